/** A thread that allocates and frees at random, fills what it has and checks that nobody else wrote there. */
import { parentPort, workerData } from 'node:worker_threads'
import { Kernel, type KernelShare } from '../../../src/kernel/kernel.ts'

const { share, mark, rounds } = workerData as { readonly share: KernelShare; readonly mark: number; readonly rounds: number }
const kernel = new Kernel(share)
const { allocate, free } = kernel.exports

interface Block {
  readonly address: number
  readonly size: number
}

const held: Block[] = []
let state = mark

function random(below: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((state / 2 ** 32) * below)
}

function take(): void {
  const size = 1 + random(random(10) === 0 ? 200_000 : 500)
  const address = allocate(size) >>> 0
  kernel.bytes(address, size).fill(mark)
  held.push({ address, size })
}

function give(index: number): void {
  const [block] = held.splice(index, 1)
  if (block === undefined) return
  const at = kernel.bytes(block.address, block.size).findIndex((byte) => byte !== mark)
  if (at >= 0) throw new Error(`byte ${at} of ${block.size} was written by someone else`)
  free(block.address)
}

for (let round = 0; round < rounds; round++) {
  if (held.length < 50 || (held.length < 200 && random(2) === 0)) take()
  else give(random(held.length))
}
const left = held.map(({ address, size }) => [address, size])
for (const { address, size } of held) kernel.bytes(address, size).fill(mark)
parentPort?.postMessage(left)
