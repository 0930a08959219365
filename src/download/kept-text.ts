/** A text of the site that is kept, so that asking again is answered without a body while it stays the same (RFC 9110, 13.1). */
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { writeFileAtomically } from '../lake/atomic-file.ts'
import type { Site, SiteText, TextOptions } from './site.ts'

export interface KeptTextOptions extends TextOptions {
  /** Null: the text is not kept. */
  readonly file: string | null
}

/** @throws PipelineError as {@link Site.text} */
export async function keptText(site: Site, url: string, { file, ...options }: KeptTextOptions): Promise<string> {
  const kept = file === null ? null : read(file, url)
  const answer = await site.text(url, kept === null ? options : { ...options, headers: conditions(kept) })
  if (answer === null) return kept?.text ?? ''
  if (file !== null && (answer.etag !== null || answer.lastModified !== null)) keep(file, url, answer)
  return answer.text
}

function conditions({ etag, lastModified }: SiteText): Readonly<Record<string, string>> {
  return {
    ...(etag === null ? {} : { 'if-none-match': etag }),
    ...(lastModified === null ? {} : { 'if-modified-since': lastModified }),
  }
}

function keep(file: string, url: string, text: SiteText): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileAtomically(file, JSON.stringify({ url, ...text }))
}

/** @returns null for anything that is not the kept text of this URL: then it is asked for without a condition */
function read(file: string, url: string): SiteText | null {
  try {
    const { url: keptUrl, text, etag, lastModified }: Record<string, unknown> = JSON.parse(readFileSync(file, 'utf8'))
    if (keptUrl !== url || typeof text !== 'string') return null
    return { text, etag: textOrNull(etag), lastModified: textOrNull(lastModified) }
  } catch {
    return null
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
