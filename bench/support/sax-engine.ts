/** Reads a dump with sax alone, in one thread, and writes nothing: `node sax-engine.ts <dump> <file>`. */
import { dumpNamed } from '../../src/discogs/catalogue.ts'
import { storedTables } from '../../src/discogs/record-hashes.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { RowBatch } from '../../src/tasks/ingest/row-batch.ts'
import { SliceReader } from '../../src/tasks/ingest/slice-reader.ts'
import { inflatedChunks } from '../../src/xml/gunzip.ts'
import { slicesOf } from '../../src/xml/slices.ts'

const [, , name, file = ''] = process.argv
const dump = dumpNamed(name)
const kernel = new Kernel()
const reader = new SliceReader(kernel, dump, { useScanner: false })
const batch = new RowBatch(kernel, storedTables(dump))
const allocate = (size: number): Buffer => kernel.bytes(kernel.exports.allocate(size), size)
let records = 0
for await (const slice of slicesOf(inflatedChunks(file), { ...dump, sliceBytes: 1 << 20, allocate })) {
  batch.reset()
  records += reader.read(slice, batch).records
  kernel.exports.free(slice.bytes.byteOffset)
}
console.log(`read ${records} records`)
