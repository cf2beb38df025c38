import { isDeepStrictEqual } from 'node:util'
import {
  between,
  type Duration,
  type Instant,
  later,
  milliseconds,
  seconds,
} from '../../src/api/values/time.ts'
import type { Readiness } from '../../src/observe/health.ts'
import type { LeaseDelta, PoolSnapshot } from '../pool/contracts.ts'
import { answer } from './answer.ts'
import {
  applyDelta,
  forgetRunOut,
  keepForgotten,
  openLeaseTable,
  presumeAcknowledged,
  toSnapshot,
  UnservableSnapshotError,
  unknownLeases,
} from './lease-table.ts'
import { leftBehind, takeOver } from './left-behind.ts'
import type { AgentEffect, AgentMessage, SnapshotSource } from './messages.ts'
import { rememberOutstanding } from './outstanding.ts'
import type { AgentStanding, AgentState, LeaseTable } from './state.ts'

export interface AgentDecision {
  state: AgentState
  effects: readonly AgentEffect[]
}

/** Also when nothing changed, so that the pool knows that the agent lives. */
const REPORT_INTERVAL = seconds(10)
/**
 * How long an older revision than ours may be a message that came late, and how long what only a message told may
 * go without a watch that says the same, before the API is read.
 */
const DOUBT = seconds(3)

export function initialAgentState(now: Instant): AgentState {
  return {
    table: undefined,
    left: undefined,
    snapshotAsk: { at: now, failures: 0 },
    doubtAt: undefined,
    readSince: undefined,
    reported: undefined,
    unservable: undefined,
    interfaceProblem: undefined,
  }
}

/** What an agent does with a message. The lease table belongs to the actor and changes in place. */
export function decide(state: AgentState, message: AgentMessage, now: Instant): AgentDecision {
  if (message.type === 'datagrams') {
    const serving = isServing(state) ? state.table : undefined
    if (serving === undefined) return { state, effects: [] }
    return { state, effects: message.datagrams.flatMap((datagram) => answer(serving, datagram, now)) }
  }
  const effects: AgentEffect[] = []
  const next = learn(state, message, now, effects)
  return { state: report(next, now, effects), effects }
}

function learn(
  state: AgentState,
  message: Exclude<AgentMessage, { type: 'datagrams' }>,
  now: Instant,
  effects: AgentEffect[],
): AgentState {
  switch (message.type) {
    case 'snapshot':
      return onSnapshot(state, message, now, effects)
    case 'delta':
      return onDelta(state, message.delta, now, effects)
    case 'snapshot-failed': {
      const failures = (state.snapshotAsk?.failures ?? 0) + 1
      return { ...state, snapshotAsk: { at: later(now, backoff(failures)), failures } }
    }
    case 'interface':
      return { ...state, interfaceProblem: message.problem }
    case 'report-failed':
      return state.reported === undefined
        ? state
        : { ...state, reported: { ...state.reported, taken: false } }
    case 'pool-gone':
      if (state.table === undefined) return { ...state, snapshotAsk: undefined }
      effects.push({ type: 'save' })
      return {
        ...state,
        table: undefined,
        left: leftBehind(state.table),
        snapshotAsk: undefined,
        doubtAt: undefined,
        unservable: undefined,
      }
    case 'tick':
      return onTick(state, now, effects)
  }
}

function onSnapshot(
  state: AgentState,
  { snapshot, source, outstanding = {} }: Extract<AgentMessage, { type: 'snapshot' }>,
  now: Instant,
  effects: AgentEffect[],
): AgentState {
  const { table } = state
  // The file is what was known before this life began: anything else knows better.
  if (source === 'file' && table !== undefined) return state
  if (table !== undefined && isDoubtful(state, table, snapshot, source)) {
    return doubting(state, now)
  }
  const known: AgentState = { ...state, snapshotAsk: source === 'file' ? state.snapshotAsk : undefined }
  // What the file or a pool actor tells is a hint (law 4): it ends no doubt, and is not believed for long by itself.
  const isTrue = source === 'watch' || source === 'read'
  const next: AgentState = isTrue ? { ...known, doubtAt: undefined } : known
  if (table !== undefined && isDeepStrictEqual(toSnapshot(table), snapshot)) {
    if (isTrue) table.source = source
    return { ...next, unservable: undefined }
  }
  try {
    const opened = openLeaseTable(snapshot, source, table)
    if (source === 'file') presumeAcknowledged(opened, now)
    rememberOutstanding(opened, outstanding)
    if (table !== undefined && wentBack(table, snapshot)) keepForgotten(table, opened, now)
    const isAnother = table !== undefined && table.snapshot.uid !== snapshot.uid
    const left = isAnother ? leftBehind(table) : state.left
    if (left !== undefined) takeOver(left, opened, now)
    if (source !== 'file') effects.push({ type: 'save' })
    const served = { table: opened, left: undefined, unservable: undefined }
    return { ...(isTrue ? next : doubting(next, now)), ...served }
  } catch (error) {
    if (!(error instanceof UnservableSnapshotError)) throw error
    // What was valid before is served on: the clients must not suffer from a slip of the pen.
    effects.push({ type: 'warn', message: error.message })
    return { ...next, unservable: error.message }
  }
}

/** A snapshot may have been overtaken by what came since: then only a fresh read can say which is the truth. */
function isDoubtful(
  { readSince }: AgentState,
  { snapshot: known, source: knownFrom }: LeaseTable,
  snapshot: PoolSnapshot,
  source: SnapshotSource,
): boolean {
  // A watch tells of one object's end before it tells of the next; a pool actor's message may be late.
  if (known.uid !== snapshot.uid) return source === 'pool' && knownFrom !== 'file'
  const isOlder =
    snapshot.revision < known.revision ||
    (snapshot.revision === known.revision && snapshot.generation < known.generation)
  const isFresh = source === 'read' && readSince?.uid === known.uid && readSince.revision === known.revision
  return isOlder && !isFresh
}

/** The counter of a pool only goes up. */
function wentBack({ snapshot: known }: LeaseTable, { uid, revision }: PoolSnapshot): boolean {
  return known.uid === uid && revision < known.revision
}

function onDelta(state: AgentState, delta: LeaseDelta, now: Instant, effects: AgentEffect[]): AgentState {
  const { table } = state
  const ask = { ...state, snapshotAsk: state.snapshotAsk ?? { at: now, failures: 0 } }
  if (table === undefined || table.snapshot.uid !== delta.uid) return onTick(ask, now, effects)
  if (delta.revision <= table.snapshot.revision) return state
  const follows =
    delta.previousRevision === table.snapshot.revision && delta.generation === table.snapshot.generation
  if (!follows) return onTick(ask, now, effects)
  applyDelta(table, delta)
  effects.push({ type: 'save' })
  return doubting(state, now)
}

function doubting(state: AgentState, now: Instant): AgentState {
  return state.doubtAt === undefined ? { ...state, doubtAt: later(now, DOUBT) } : state
}

function onTick(state: AgentState, now: Instant, effects: AgentEffect[]): AgentState {
  if (state.table !== undefined) forgetRunOut(state.table, now)
  let next = state
  if (next.doubtAt !== undefined && next.doubtAt <= now) {
    effects.push({ type: 'read-pool' })
    const { uid = '', revision = 0 } = next.table?.snapshot ?? {}
    next = { ...next, doubtAt: later(now, DOUBT), readSince: { uid, revision } }
  }
  if (next.snapshotAsk !== undefined && next.snapshotAsk.at <= now) {
    effects.push({ type: 'request-snapshot' })
    // Until an answer or a failure says otherwise.
    next = { ...next, snapshotAsk: { ...next.snapshotAsk, at: later(now, backoff(10)) } }
  }
  return next
}

/**
 * At once when anything but the revision changes; with the next tick when that does, or when a report was not taken; and
 * every few seconds to show that the agent lives.
 */
function report(state: AgentState, now: Instant, effects: AgentEffect[]): AgentState {
  const { table, reported } = state
  if (table === undefined) return state
  const standing = standingOf(state, table, now)
  if (reported !== undefined && between(reported.at, now) < untilNextReport(reported, standing)) return state
  effects.push({ type: 'report', report: standing })
  return { ...state, reported: { at: now, report: standing, taken: true } }
}

function untilNextReport(
  { report: last, taken }: NonNullable<AgentState['reported']>,
  standing: AgentStanding,
): Duration {
  if (!isDeepStrictEqual(newsOf(last), newsOf(standing))) return milliseconds(0)
  return taken && last.revision === standing.revision ? REPORT_INTERVAL : seconds(1)
}

/** Revisions and the time that passes are not told at once. */
function newsOf({ revision: _, unknownLeases = [], ...news }: AgentStanding): unknown {
  return { ...news, unknownLeases: unknownLeases.map(({ remainingMs: __, ...lease }) => lease) }
}

function standingOf(state: AgentState, table: LeaseTable, now: Instant): AgentStanding {
  const leases = unknownLeases(table, now)
  const standing = servingOf(state, table)
  return leases.length === 0 ? standing : { ...standing, unknownLeases: leases }
}

function servingOf(state: AgentState, table: LeaseTable): AgentStanding {
  const { uid, revision } = table.snapshot
  const { unservable, interfaceProblem: problem } = state
  if (table.configuration.paused) {
    return { uid, revision, serving: false, reason: 'Paused', message: 'spec.paused is true' }
  }
  if (problem !== undefined && !problem.serves) {
    return { uid, revision, serving: false, reason: problem.reason, message: problem.message }
  }
  const message = unservable ?? problem?.message
  return { uid, revision, serving: true, ...(message === undefined ? {} : { message }) }
}

/** A table from the file serves too (law 6). */
export function isServing(state: AgentState): boolean {
  return state.table !== undefined && !state.table.configuration.paused
}

/**
 * For people and probes: whether clients are served by the newest revision that was told, and what is to be said about
 * it. An agent that is not ready serves on what it can (law 6).
 */
export function readinessOf(state: AgentState, pool: string): Readiness {
  if (state.table === undefined) return { ok: false, reasons: [`the IPPool ${pool} is not known yet`] }
  const { serving, reason, message } = servingOf(state, state.table)
  if (reason === 'Paused') return { ok: false, reasons: [`the IPPool ${pool} is paused`] }
  const ok = serving && state.unservable === undefined
  return { ok, reasons: message === undefined ? [] : [message] }
}

function backoff(failures: number): Duration {
  return milliseconds(Math.min(250 * 2 ** Math.min(failures, 20), 10_000))
}
