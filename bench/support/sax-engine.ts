/** Reads a dump with sax alone, in one thread, and writes nothing: `node sax-engine.ts <dump> <file>`. */
import { dumpNamed } from '../../src/discogs/catalogue.ts'
import { SliceReader } from '../../src/tasks/ingest/slice-reader.ts'
import { inflatedChunks } from '../../src/xml/gunzip.ts'
import { slicesOf } from '../../src/xml/slices.ts'

const dump = dumpNamed(process.argv[2])
const reader = new SliceReader(dump, { useScanner: false })
let records = 0
for await (const slice of slicesOf(inflatedChunks(process.argv[3] ?? ''), { record: dump.record, sliceBytes: 1 << 20 })) {
  reader.reset()
  records += reader.read(slice).records
}
console.log(`read ${records} records`)
