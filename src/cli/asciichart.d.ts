// Types of asciichart, which brings none: the part that is used.
declare module "asciichart" {
  interface PlotConfig {
    min?: number;
    max?: number;
    height?: number;
    offset?: number;
    colors?: (string | undefined)[];
    format?: (value: number, index: number) => string;
  }
  const asciichart: {
    plot(series: number[] | number[][], config?: PlotConfig): string;
    green: string;
    cyan: string;
    magenta: string;
    yellow: string;
  };
  export default asciichart;
}
