/** What the kernel gives to JavaScript: see `KernelExports` in `src/kernel/kernel.ts`. */
export { allocate, blockBytes, free } from './memory'
export {
  appendText,
  createColumns,
  freeColumns,
  joinText,
  pad,
  putBoolean,
  putInt,
  putLong,
  putLongRun,
  putText,
  releaseColumn,
  resetColumns,
  rollback,
} from './column'
export { appendToPiles, createPiles, freePiles, loadPile, unloadPile } from './pile'
export { prepareScan, scan } from './scan'
export { symbolTableBytes, useSymbols } from './symbols'
export {
  beginRecord,
  countsAddress,
  endRecord,
  mapRecord,
  prepareMap,
  readRecords,
  recordCount,
  strayTextsAddress,
  useColumns,
} from './map'
export { hashText } from './dictionary'
export { beginEncoding, endEncoding, nextPage } from './encode'
