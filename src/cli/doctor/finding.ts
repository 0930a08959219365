/** What the doctor says of one thing. */

export type Verdict = 'ok' | 'wrong' | 'warn' | 'none'

export interface Finding {
  /** `lake`, `link`, `trino` …: the subject it belongs to. */
  readonly subject: string
  readonly check: string
  /** `warn`: it works, and may fail one day; the exit code stays 0. `none`: there is nothing to judge, or it could not be judged; no fault of the installation. */
  readonly verdict: Verdict
  readonly found: string
  /** The operator's next move. */
  readonly advice: string | null
}

/** Findings of one subject. */
export class Findings {
  readonly list: Finding[] = []
  readonly #subject: string

  constructor(subject: string) {
    this.#subject = subject
  }

  ok(check: string, found: string): void {
    this.#add({ check, verdict: 'ok', found, advice: null })
  }

  /** Nothing to judge. */
  none(check: string, found: string, advice: string | null = null): void {
    this.#add({ check, verdict: 'none', found, advice })
  }

  wrong(check: string, found: string, advice: string): void {
    this.#add({ check, verdict: 'wrong', found, advice })
  }

  /** It works, and may fail one day. */
  warn(check: string, found: string, advice: string): void {
    this.#add({ check, verdict: 'warn', found, advice })
  }

  /** One line for many things: all is well, or what is not, the first few by name. */
  each(
    check: string,
    { good, bad, advice }: { readonly good: string; readonly bad: readonly string[]; readonly advice: string },
  ): void {
    if (bad.length === 0) this.ok(check, good)
    else this.wrong(check, some(bad), advice)
  }

  #add(finding: Omit<Finding, 'subject'>): void {
    this.list.push({ subject: this.#subject, ...finding })
  }
}

const shownCount = 5

/** The first few of many, and how many more there are. */
export function some(items: readonly string[]): string {
  const more = items.length - shownCount
  return more > 0 ? `${items.slice(0, shownCount).join('; ')}; and ${more} more` : items.join('; ')
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
