// What needs Node: data from folders, files that are whole or absent, the cache folder.
import "../ops/methods.js"; // the tensors it gives have their methods, whatever else a program imports

export { loadData } from "./data.js";
export { cacheDirectory, writeFileAtomic } from "./files.js";
export { mnistFromFolder } from "./folder.js";
