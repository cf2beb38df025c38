import type { ObjectKey } from '../../src/api/values/object-key.ts'

/** Who takes commands. */
export type CommandTarget = 'pool' | 'vm' | 'agent'
/** What events are about. */
export type EventTopic = 'pool' | 'vm' | 'dhcp'

export interface ParsedSubject {
  kind: 'cmd' | 'event'
  /** A CommandTarget or an EventTopic; a newer process may know more of them. */
  about: string
  key: ObjectKey
  /** The verb of a command, the type of an event. */
  verb: string
}

export class InvalidSubjectError extends Error {
  override readonly name = 'InvalidSubjectError'
  constructor(
    readonly subject: string,
    reason: string,
  ) {
    super(`"${subject.slice(0, 200)}" is not a subject for messages: ${reason}`)
  }
}

/** Everything that is told, and nothing that is asked: a tap on commands would count as their responder. */
export const ALL_EVENTS = 'mdhcp.event.>'

export function commandSubject(target: CommandTarget, key: ObjectKey, verb: string): string {
  return `mdhcp.cmd.${target}.${encodeToken(key.namespace)}.${encodeToken(key.name)}.${encodeToken(verb)}`
}

export function eventSubject(topic: EventTopic, key: ObjectKey, type: string): string {
  return `mdhcp.event.${topic}.${encodeToken(key.namespace)}.${encodeToken(key.name)}.${encodeToken(type)}`
}

/** Pattern of events; what is left out matches everything. */
export function eventPattern(topic: EventTopic, key?: ObjectKey, type?: string): string {
  const place = key ? `${encodeToken(key.namespace)}.${encodeToken(key.name)}` : '*.*'
  return `mdhcp.event.${topic}.${place}.${type === undefined ? '*' : encodeToken(type)}`
}

/** The parts of a subject made here; undefined for any other subject. */
export function parseSubject(subject: string): ParsedSubject | undefined {
  const [root, kind, about, namespace, name, verb, ...rest] = subject.split('.')
  if (root !== 'mdhcp' || (kind !== 'cmd' && kind !== 'event') || rest.length > 0) return undefined
  if (!about || namespace === undefined || name === undefined || verb === undefined) return undefined
  try {
    const key = { namespace: decodeToken(namespace), name: decodeToken(name) }
    return { kind, about, key, verb: decodeToken(verb) }
  } catch (error) {
    if (error instanceof InvalidSubjectError) return undefined
    throw error
  }
}

/** A lone surrogate has no UTF-8 form. */
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

/**
 * Any text as one NATS token, reversibly: RFC 3986 percent-encoding of everything but letters, digits, `-`
 * and `_` (and what else is harmless), so that `net-48` stays `net-48` and `a.b` becomes `a%2Eb`.
 * NATS has no empty tokens: the empty text is a lone `%`, which encodes nothing else.
 * @throws InvalidSubjectError for text that is not well-formed Unicode
 */
export function encodeToken(text: string): string {
  if (text === '') return '%'
  if (LONE_SURROGATE.test(text)) throw new InvalidSubjectError(text, 'it is not well-formed Unicode')
  return encodeURIComponent(text).replaceAll('.', '%2E').replaceAll('*', '%2A')
}

/** @throws InvalidSubjectError when `encodeToken` makes no such token */
export function decodeToken(token: string): string {
  if (token === '%') return ''
  let text: string
  try {
    text = decodeURIComponent(token)
  } catch {
    throw new InvalidSubjectError(token, 'its percent-encoding is broken')
  }
  // One text, one token: else two subjects could name one object.
  if (encodeToken(text) !== token) throw new InvalidSubjectError(token, 'it is not in canonical encoding')
  return text
}

/**
 * True when `subject` matches `pattern`, where `*` is any one token and a last `>` one token or more.
 * Both are taken to be valid.
 */
export function subjectMatches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.')
  const given = subject.split('.')
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return given.length > index
    if (index >= given.length) return false
    if (token !== '*' && token !== given[index]) return false
  }
  return wanted.length === given.length
}

const MAXIMUM_LENGTH = 4096

/**
 * A subject goes into a line of the NATS protocol as it is: white space in it would be a command of its own.
 * @throws InvalidSubjectError
 */
export function checkSubject(subject: string): void {
  checkTokens(subject)
  if (/(^|\.)[*>](\.|$)/.test(subject)) throw new InvalidSubjectError(subject, 'only patterns hold wildcards')
}

/** @throws InvalidSubjectError */
export function checkPattern(pattern: string): void {
  checkTokens(pattern)
  if (/(^|\.)>\./.test(pattern)) throw new InvalidSubjectError(pattern, '">" may only come last')
}

function checkTokens(subject: string): void {
  if (subject.length > MAXIMUM_LENGTH) throw new InvalidSubjectError(subject, 'it is too long')
  if (!/^[\x21-\x7e]+$/.test(subject))
    throw new InvalidSubjectError(subject, 'only printable ASCII is allowed')
  if (/^\.|\.\.|\.$/.test(subject)) throw new InvalidSubjectError(subject, 'it has an empty token')
}
