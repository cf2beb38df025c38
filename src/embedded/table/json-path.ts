import { isFields, sameJson } from '../json.ts'

export class JsonPathError extends Error {
  override readonly name = 'JsonPathError'
  constructor(
    readonly path: string,
    why: string,
  ) {
    super(`JSONPath ${path}: ${why}`)
  }
}

type Step = (value: unknown) => unknown[]
export type JsonPath = (object: unknown) => unknown[]

/** How each piece of a path begins, and what it does to one value. */
const SYNTAX: readonly (readonly [pattern: RegExp, toStep: (match: RegExpExecArray) => Step])[] = [
  [/^\.?\[\*\]|^\.\*/, () => children],
  [/^\.\.([^.[\]\s]+)/, (match) => descendants(unescapeName(match[1]))],
  [/^\.((?:\\.|[^.[\]\\\s])+)/, (match) => member(unescapeName(match[1]))],
  [/^\[(-?\d+)\]/, (match) => element(Number(match[1]))],
  [/^\[(-?\d*):(-?\d*)\]/, (match) => slice(match[1], match[2])],
  [/^\[\s*((?:'[^']*'|"[^"]*")(?:\s*,\s*(?:'[^']*'|"[^"]*"))*)\s*\]/, (match) => union(match[1])],
  [
    /^\[\?\(\s*@([^=!<>)]*?)\s*(?:(==|!=|<=|>=|<|>)\s*('[^']*'|"[^"]*"|[^)\s]+)\s*)?\)\]/,
    (match) => filter(compileJsonPath(match[1] ?? ''), match[2], match[3]),
  ],
]

/**
 * The JSONPath of printer columns: `.a.b`, `['a','b']`, `[0]`, `[-1]`, `[1:3]`, `[*]`, `.*`, `..name`
 * and `[?(@.type=='X')]`. A path that leads nowhere gives no values.
 * @throws JsonPathError
 */
export function compileJsonPath(path: string): JsonPath {
  const steps: Step[] = []
  let rest = path.replace(/^\$/, '')
  while (rest !== '' && rest !== '.') {
    const step = readStep(rest)
    if (!step) throw new JsonPathError(path, `cannot read "${rest}"`)
    steps.push(step.apply)
    rest = rest.slice(step.length)
  }
  return (object) => steps.reduce<unknown[]>((values, step) => values.flatMap(step), [object])
}

function readStep(text: string): { apply: Step; length: number } | undefined {
  for (const [pattern, toStep] of SYNTAX) {
    const match = pattern.exec(text)
    if (match) return { apply: toStep(match), length: match[0].length }
  }
  return undefined
}

const unescapeName = (name = ''): string => name.replace(/\\(.)/g, '$1')

function children(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  return isFields(value) ? Object.values(value) : []
}

function member(name: string): Step {
  return (value) =>
    isFields(value) && Object.hasOwn(value, name) && value[name] !== undefined ? [value[name]] : []
}

function descendants(name: string): Step {
  return (value) => [...member(name)(value), ...children(value).flatMap(descendants(name))]
}

function element(index: number): Step {
  return (value) => {
    const found: unknown = Array.isArray(value) ? value.at(index) : undefined
    return found === undefined ? [] : [found]
  }
}

function slice(from = '', to = ''): Step {
  const [start, end] = [from, to].map((text) => (text === '' ? undefined : Number(text)))
  return (value) => (Array.isArray(value) ? value.slice(start, end) : [])
}

function union(quotedNames = ''): Step {
  const names = [...quotedNames.matchAll(/'([^']*)'|"([^"]*)"/g)].map((name) => name[1] ?? name[2] ?? '')
  return (value) => names.flatMap((name) => member(name)(value))
}

function filter(path: JsonPath, operator: string | undefined, literal: string | undefined): Step {
  const wanted = literal === undefined ? undefined : parseLiteral(literal)
  return (value) =>
    children(value).filter((item) => {
      const found = path(item)
      return operator === undefined
        ? found.length > 0
        : found.some((candidate) => compare(candidate, operator, wanted))
    })
}

function parseLiteral(literal: string): unknown {
  if (/^['"]/.test(literal)) return literal.slice(1, -1)
  if (literal === 'true' || literal === 'false') return literal === 'true'
  const number = Number(literal)
  return Number.isNaN(number) ? literal : number
}

function compare(value: unknown, operator: string, wanted: unknown): boolean {
  if (operator === '==') return sameJson(value, wanted)
  if (operator === '!=') return !sameJson(value, wanted)
  if (typeof value === 'number' && typeof wanted === 'number') return order(value - wanted, operator)
  if (typeof value === 'string' && typeof wanted === 'string') {
    return order(value < wanted ? -1 : value > wanted ? 1 : 0, operator)
  }
  return false
}

function order(difference: number, operator: string): boolean {
  if (operator === '<') return difference < 0
  if (operator === '<=') return difference <= 0
  return operator === '>' ? difference > 0 : difference >= 0
}
