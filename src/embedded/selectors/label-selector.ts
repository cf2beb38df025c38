import { badRequest } from '../status.ts'

type Labels = Readonly<Record<string, string>>
export type LabelPredicate = (labels: Labels) => boolean

const SET = /^([^\s!=,()]+)\s+(in|notin)\s*\(([^()]*)\)$/
const EQUALITY = /^([^\s!=,()]+)\s*(==|=|!=)\s*([^\s!=,()]*)$/
const COMPARISON = /^([^\s!=,()<>]+)\s*([<>])\s*(-?\d+)$/
const EXISTENCE = /^(!?)\s*([^\s!=,()]+)$/

/**
 * `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors).
 * @throws ApiError 400
 */
export function parseLabelSelector(selector: string): LabelPredicate {
  const requirements = splitOutsideParentheses(selector).map((part) => parseRequirement(part, selector))
  return (labels) => requirements.every((accepts) => accepts(labels))
}

function splitOutsideParentheses(selector: string): string[] {
  return selector
    .split(/,(?![^()]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function parseRequirement(part: string, selector: string): LabelPredicate {
  const labelOf = (labels: Labels, key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined)
  const set = SET.exec(part)
  if (set) {
    const [, key = '', operator, list = ''] = set
    const values = new Set(list.split(',').map((value) => value.trim()))
    return operator === 'in'
      ? (labels) => {
          const value = labelOf(labels, key)
          return value !== undefined && values.has(value)
        }
      : (labels) => {
          const value = labelOf(labels, key)
          return value === undefined || !values.has(value)
        }
  }
  const equality = EQUALITY.exec(part)
  if (equality) {
    const [, key = '', operator, value] = equality
    return operator === '!='
      ? (labels) => labelOf(labels, key) !== value
      : (labels) => labelOf(labels, key) === value
  }
  const comparison = COMPARISON.exec(part)
  if (comparison) {
    const [, key = '', operator, limit] = comparison
    return (labels) => {
      const value = Number(labelOf(labels, key) ?? Number.NaN)
      return operator === '<' ? value < Number(limit) : value > Number(limit)
    }
  }
  const existence = EXISTENCE.exec(part)
  if (existence) {
    const [, not, key = ''] = existence
    return (labels) => Object.hasOwn(labels, key) === (not === '')
  }
  throw badRequest(`unable to parse requirement: "${part}" in label selector "${selector}"`)
}
