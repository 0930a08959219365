import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slicesOf } from '../../src/xml/slices.ts'

async function* chunks(xml: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(xml)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function cut(xml: string, sliceBytes: number, chunkBytes = 7): Promise<string[]> {
  const slices: string[] = []
  for await (const { bytes, length, offset, isFirst, isLast } of slicesOf(chunks(xml, chunkBytes), {
    root: 'labels',
    record: 'label',
    sliceBytes,
  })) {
    assert.equal(Buffer.byteLength(slices.join('')), offset)
    assert.equal(isFirst, slices.length === 0)
    slices.push(bytes.toString('utf8', 0, length))
    assert.equal(isLast, slices.join('') === xml)
  }
  return slices
}

const label = '<label><id>1</id></label>'

test('a slice ends behind a record that white space and the next record follow', async () => {
  const xml = `<labels>${label}\n${label}\n<!-- c -->${label} ${label}</labels>`
  assert.deepEqual(await cut(xml, 15), [`<labels>${label}`, `\n${label}\n<!-- c -->${label}`, ` ${label}</labels>`])
})

test('the cuts depend on the text alone, never on the chunks', async () => {
  const xml = `<labels>${`${label}\n`.repeat(40)}<label><sublabels><label/></sublabels></label>${label.repeat(60)}</labels>`
  for (const sliceBytes of [1, 20, 50, 300]) {
    const expected = await cut(xml, sliceBytes, 1)
    for (let chunkBytes = 2; chunkBytes < 90; chunkBytes++) assert.deepEqual(await cut(xml, sliceBytes, chunkBytes), expected)
    assert.equal(expected.join(''), xml)
  }
})

test('without white space between records any end tag of one will do, after a while', async () => {
  const slices = await cut(`<labels>${label.repeat(100)}</labels>`, 60)
  assert.ok(slices.length > 5)
  for (const slice of slices.slice(0, -1)) assert.ok(slice.endsWith('</label>'))
})

test('a tag whose name only begins like that of a record is no place to cut', async () => {
  const xml = `<labels>${label}</labels>\n<labelled/>`
  assert.deepEqual(await cut(xml, 20), [xml])
})

test('a record longer than it may be is an error that says where', async () => {
  const xml = `<labels>${'x'.repeat(1000)}`
  const slices = slicesOf(chunks(xml, 100), { root: 'labels', record: 'label', sliceBytes: 10, maxBytes: 500 })
  await assert.rejects(async () => {
    for await (const slice of slices) assert.ok(slice.length <= 600)
  }, /longer than 500 bytes/)
})

test('what came before a broken stream is a slice', async () => {
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.from(`<labels>${label}\n`)
    await Promise.reject(new Error('cut'))
  }
  const seen: string[] = []
  await assert.rejects(async () => {
    for await (const { bytes, length, isLast } of slicesOf(broken(), { root: 'labels', record: 'label', sliceBytes: 1000 }))
      seen.push(`${bytes.toString('utf8', 0, length)} ${isLast}`)
  }, /cut/)
  assert.deepEqual(seen, [`<labels>${label}\n false`])
})
