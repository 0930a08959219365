/**
 * The thread that reads a dump: inflates it, hashes what it reads, cuts it into slices. One slice for each request, so that no
 * more of them lie around than somebody has asked for. A thread of its own since inflating leaves much garbage, which is cheap
 * to collect where little else is alive.
 */
import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { PipelineError } from '../../errors.ts'
import { inflatedChunks } from '../../xml/gunzip.ts'
import { slicesOf } from '../../xml/slices.ts'
import { XmlError } from '../../xml/xml-error.ts'
import { discarded } from './collect-garbage.ts'
import type { ReaderSetup, SliceRequest, SliceResponse } from './messages.ts'

const { path, record, sliceBytes } = workerData as ReaderSetup
const hash = createHash('sha256')
const requests: SliceRequest[] = []
let compressedBytes = 0
let isBusy = false

const slices = slicesOf(collected(inflatedChunks(path, { onCompressed })), { record, sliceBytes, allocate })

parentPort?.on('message', (request: SliceRequest) => {
  requests.push(request)
  if (!isBusy) void answer()
})

async function answer(): Promise<void> {
  isBusy = true
  while (requests.length > 0) send(await next())
  isBusy = false
}

async function next(): Promise<SliceResponse> {
  try {
    const { done, value } = await slices.next()
    requests.shift()
    if (done === true) return { kind: 'end', compressedBytes, sha256: hash.digest('hex') }
    const { offset, bytes, length, isFirst, isLast } = value
    const slice = { offset, memory: bytes.buffer as SharedArrayBuffer, length, isFirst, isLast }
    return { kind: 'slice', compressedBytes, slice }
  } catch (error) {
    requests.length = 0
    return failure(error)
  }
}

function send(response: SliceResponse): void {
  parentPort?.postMessage(response)
}

function failure(error: unknown): SliceResponse {
  const { message, stack = message } = error as Error
  const offset = error instanceof XmlError ? error.offset : null
  const isKnown = error instanceof PipelineError
  return { kind: 'failed', message, stack, offset, isKnown, hint: isKnown ? error.hint : undefined }
}

function onCompressed(chunk: Buffer): void {
  hash.update(chunk)
  compressedBytes += chunk.length
}

/** The memory that came with the request at hand, if it is large enough. */
function allocate(size: number): Buffer {
  const spare = requests.find(({ memory }) => memory !== null && memory.byteLength >= size)
  const memory = spare?.memory ?? new SharedArrayBuffer(size)
  if (spare !== undefined) spare.memory = null
  return Buffer.from(memory)
}

async function* collected(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    yield chunk
    discarded(chunk.length)
  }
}
