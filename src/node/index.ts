// What needs Node: data from folders, files that are whole or absent, the cache folder.
export { cacheDirectory, writeFileAtomic } from "./files.js";
export { mnistFromFolder } from "./mnist.js";
