/**
 * Writes a row plan down in the kernel's memory, in the order of fields that `src/kernel/assembly/program.ts` reads. It stays
 * there as long as the kernel lives.
 */
import type { Kernel } from '../kernel/kernel.ts'
import type { JoinPart, JoinStep, RowPlan, RowStep, Scope, Step } from './row-plan.ts'

const isScalar = 1
const isScope = 2
const readers: readonly JoinStep['read'][] = ['text', 'id', 'flat']

/** @returns the address of the program */
export function writeProgram(kernel: Kernel, plan: RowPlan): number {
  return new ProgramWriter(kernel).program(plan)
}

/** Writes what a thing refers to before the thing itself. Every method gives the numbers of one entry. */
class ProgramWriter {
  readonly #kernel: Kernel

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  program(plan: RowPlan): number {
    const actions = Uint8Array.from(
      plan.scopeOf,
      (scope, symbol) => (plan.isScalar[symbol] === 1 ? isScalar : 0) | (scope >= 0 ? isScope : 0),
    )
    const fields = [
      ...this.#list(plan.scopes.map((scope) => this.#scope(scope))),
      this.#numbers([...plan.scopeOf]),
      this.#kernel.store(actions),
      plan.scopeOf.length,
      plan.idSymbol,
      ...this.#list(plan.idColumns.map(({ dataset, column }) => [dataset, column])),
      this.#numbers(plan.ranks),
      this.#numbers(plan.firstColumns),
      plan.ranks.length,
      plan.firstColumns.at(-1) ?? 0,
    ]
    return this.#numbers(fields)
  }

  #scope({ isNested, scalars, restarts, rows, joins }: Scope): number[] {
    return [
      isNested ? 1 : 0,
      ...this.#list(scalars.map((symbol) => [symbol])),
      ...this.#list(restarts.map((scope) => [scope])),
      ...this.#list(rows.map((row) => this.#row(row))),
      ...this.#list(joins.map((join) => this.#join(join))),
    ]
  }

  #row({ dataset, rank, steps }: RowStep): number[] {
    return [dataset, rank ?? -1, ...this.#list(steps.map((step) => this.#step(step)))]
  }

  #step({ op, column, symbol, scope, text }: Step): number[] {
    return [op, column, symbol, scope, ...this.#text(text)]
  }

  #join({ column, dataset, separator, read, parts }: JoinStep): number[] {
    const list = this.#list(parts.map((part) => this.#part(part)))
    return [column, dataset, ...this.#text(separator), readers.indexOf(read), ...list]
  }

  #part({ symbol, before, open, close }: JoinPart): number[] {
    return [symbol, ...this.#text(before), ...this.#text(open), ...this.#text(close)]
  }

  /** Address and count of entries. */
  #list(entries: readonly (readonly number[])[]): [number, number] {
    return [this.#numbers(entries.flat()), entries.length]
  }

  /** Address and length of a text. */
  #text(text: Uint8Array): [number, number] {
    return [this.#kernel.store(text), text.length]
  }

  #numbers(numbers: readonly number[]): number {
    const { buffer } = Int32Array.from(numbers)
    return this.#kernel.store(new Uint8Array(buffer))
  }
}
