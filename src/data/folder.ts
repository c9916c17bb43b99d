// A folder of files, whoever holds it: a disk, or a page on which files were dropped.

export interface Folder {
  /** What it is called in messages. */
  readonly path: string;
  readonly names: readonly string[];
  /** What a file of it is called in messages. */
  pathOf(name: string): string;
  /** Throws DataError naming the file where it cannot be read. */
  read(name: string): Promise<Uint8Array>;
}
