/** Formats, identifiers and companies of a release. */
import { element } from '../markup.ts'
import { labelName } from '../names.ts'
import { companyRoles, formats, formatTexts, identifiers } from '../words.ts'
import { idOf, labelsFor } from '../world.ts'
import type { Writing } from './parts.ts'

export function formatList(writing: Writing): string {
  const { random } = writing
  let list = ''
  for (let left = random.chance(85) ? 1 : random.between(2, 3); left > 0; left--) list += formatOf(writing)
  return element('formats', list)
}

function formatOf({ markup, random }: Writing): string {
  const [name, choices] = random.pick(formats)
  const text = random.chance(15) ? random.pick(formatTexts) : ''
  const attributes = `name="${name}" qty="${random.chance(90) ? 1 : random.between(2, 6)}" text="${markup.attribute(text)}"`
  const descriptions = random.several(choices, random.between(0, 3)).map((one) => element('description', markup.text(one)))
  return descriptions.length === 0
    ? `<format ${attributes}/>`
    : `<format ${attributes}>${element('descriptions', descriptions.join(''))}</format>`
}

export function identifierList({ markup, random }: Writing): string {
  let list = ''
  for (let left = random.between(0, 3); left > 0; left--) {
    const [type, descriptions] = random.pick(identifiers)
    const value =
      type === 'Barcode'
        ? barcode(random.next())
        : `${random.next().toString(36).toUpperCase()} ${random.chance(10) ? '& <A1>' : 'B'}`
    const description = random.chance(15) ? '' : ` description="${markup.attribute(random.pick(descriptions))}"`
    list += `<identifier type="${type}"${description} value="${markup.attribute(value)}"/>`
  }
  return markup.container('identifiers', list)
}

/** Thirteen digits; people leave spaces in. */
function barcode(number: number): string {
  const digits = String(number).padStart(13, '0')
  return number % 2 === 0 ? digits : `${digits.slice(0, 1)} ${digits.slice(1, 7)} ${digits.slice(7)}`
}

/** Companies are entries of the labels. */
export function companyList({ world, markup, random }: Writing, release: number): string {
  let list = ''
  for (let left = random.between(0, 3); left > 0; left--) {
    const label = random.skewed(labelsFor(release))
    const [type, typeName] = random.pick(companyRoles)
    const address = markup.shape === '2020' ? element('resource_url', `https://api.discogs.com/labels/${idOf(label)}`) : ''
    const content =
      element('id', String(idOf(label))) +
      element('name', markup.text(labelName(world, label))) +
      markup.optional('catno', random.chance(10) ? `${typeName.charAt(0)}-${random.between(100, 9999)}` : '') +
      element('entity_type', type) +
      element('entity_type_name', markup.text(typeName))
    list += element('company', content + address)
  }
  return markup.container('companies', list)
}
