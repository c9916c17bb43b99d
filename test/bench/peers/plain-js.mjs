// Plain JavaScript, as one writes it without a library: Box-Muller over Math.random for W3.

export async function open() {
  return {
    version: process.version,
    workloads: {
      W3({ count }) {
        const out = new Float32Array(count);
        return {
          step() {
            for (let i = 0; i + 1 < count; i += 2) {
              const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
              const angle = 2 * Math.PI * Math.random();
              out[i] = radius * Math.cos(angle);
              out[i + 1] = radius * Math.sin(angle);
            }
          },
        };
      },
    },
  };
}
