import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { inflatedChunks } from '../../src/xml/gunzip.ts'

const directory = mkdtempSync(join(tmpdir(), 'gunzip-'))
after(() => rmSync(directory, { recursive: true }))

/** Inflates `bytes` from a file: the text, or the message of the error. */
async function inflate(bytes: Buffer): Promise<string> {
  const file = join(directory, 'dump.xml.gz')
  writeFileSync(file, bytes)
  const chunks: Buffer[] = []
  const seen = createHash('sha256')
  try {
    for await (const chunk of inflatedChunks(file, { onCompressed: (compressed) => seen.update(compressed) })) chunks.push(chunk)
  } catch (error) {
    assert.ok(error instanceof Error)
    return `error: ${error.message.replace(file, 'FILE')}`
  }
  assert.equal(seen.digest('hex'), createHash('sha256').update(bytes).digest('hex'), 'every compressed byte is seen once')
  return Buffer.concat(chunks).toString()
}

const one = gzipSync('first ')
const two = gzipSync('second')

test('several members are one text, and zero padding may follow', async () => {
  assert.equal(await inflate(Buffer.concat([one, two])), 'first second')
  assert.equal(await inflate(Buffer.concat([one, two, Buffer.alloc(5)])), 'first second')
  assert.equal(await inflate(Buffer.concat([one, Buffer.alloc(3 << 20)])), 'first ')
})

test('a file cut anywhere is refused', async () => {
  const whole = Buffer.concat([one, two])
  for (let length = 1; length < whole.length; length++) {
    const result = await inflate(whole.subarray(0, length))
    if (length === one.length) assert.equal(result, 'first ')
    else assert.match(result, /^error: inflating FILE: /, `cut at ${length} of ${whole.length}: ${result}`)
  }
  console.log(`cut at ${whole.length - 1} places`)
})

test('a cut in a long file says where', async () => {
  const random = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255))
  const whole = gzipSync(random)
  assert.match(
    await inflate(whole.subarray(0, whole.length / 2)),
    /^error: inflating FILE: the gzip stream is cut short near byte \d+ of the gzip file$/,
  )
})

test('a bad checksum, a bad length and damaged data are refused', async () => {
  for (const at of [one.length - 8, one.length - 1, 12]) {
    const damaged = Buffer.from(one)
    damaged[at] = (damaged[at] ?? 0) ^ 0x55
    assert.match(await inflate(damaged), /^error: inflating FILE: /, `byte ${at}`)
  }
})

test('bytes after the last member are refused unless they are zeros', async () => {
  for (const tail of ['x', '\0x', `${'\0'.repeat(2 << 20)}x`, '<html>']) {
    assert.match(
      await inflate(Buffer.concat([one, Buffer.from(tail)])),
      /^error: inflating FILE: /,
      JSON.stringify(tail.slice(-9)),
    )
  }
})

test('an empty file and a page in place of a dump are named as such', async () => {
  assert.equal(await inflate(Buffer.alloc(0)), 'error: inflating FILE: the file is empty (0 bytes)')
  assert.equal(
    await inflate(Buffer.from('<!DOCTYPE html>\n<title>403</title>')),
    'error: inflating FILE: byte 0 does not start a gzip stream, found "<!DOCTYPE html>.<title>403</title>"',
  )
})

test('an aborted signal ends the stream with its reason', async () => {
  const file = join(directory, 'long.gz')
  writeFileSync(file, gzipSync(Buffer.alloc(64 << 20)))
  const controller = new AbortController()
  await assert.rejects(async () => {
    for await (const chunk of inflatedChunks(file, { signal: controller.signal })) {
      assert.ok(chunk.length > 0)
      controller.abort(new Error('enough'))
    }
  }, /enough|aborted/)
})
