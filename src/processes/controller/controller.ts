import type { KubeObject } from '../../api/object.ts'
import { seconds } from '../../api/values/time.ts'
import type { Readiness } from '../../observe/health.ts'
import { all, createControllerInformers, WATCHED_KINDS, whyNotHealthy } from './informers.ts'
import { startTerm, type Term, type TermOptions } from './term.ts'

export interface ControllerOptions extends Omit<TermOptions, 'informers'> {
  /** Watches, and does nothing else until `lead` is called. */
  standby?: boolean
}

export interface Controller {
  /** Every IPPool as the watch shows it, for metrics. */
  pools(): readonly KubeObject[]
  ready(): Readiness
  /** Resolves when every watch has listed once. */
  whenSynced(): Promise<void>
  /** Begins a term, as soon as every watch has listed once. */
  lead(): void
  /** Ends the term; the watches go on, so that the next one begins at once. */
  standBy(): void
  stop(): Promise<void>
}

/** A write that hangs may keep the last term from its end for half a minute. */
const LONGEST_END = seconds(2)

/**
 * The pool and vm actors, told by the watches when to look. Watches are made once, terms come and go. Nothing is told
 * before every watch has listed: half a picture would look like deletions.
 */
export function startController(options: ControllerOptions): Controller {
  const { clock, log, transport } = options
  const informers = createControllerInformers(options)
  let term: Term | undefined
  let isWanted = options.standby !== true
  let isSynced = false
  /** The last term may have something under way still. */
  let ended: Promise<void> = Promise.resolve()

  function begin(): void {
    if (!isWanted || !isSynced || term !== undefined) return
    term = startTerm({ ...options, informers })
  }

  function end(): void {
    isWanted = false
    const ending = term
    term = undefined
    if (ending === undefined) return
    ended = ending.stop().catch((err: unknown) => log.error({ err }, 'a term did not end well'))
  }

  for (const kind of WATCHED_KINDS) {
    informers[kind].onChange((key, object, previous) => term?.changed(kind, key, object, previous))
    informers[kind].start()
  }
  const synced = Promise.all(all(informers).map(([, informer]) => informer.whenSynced())).then(() => {
    isSynced = true
    begin()
  })

  return {
    pools: () => informers.pools.list(),
    ready() {
      const reasons = whyNotHealthy(informers, clock.now())
      if (!transport.connected()) reasons.push('messages: not connected')
      reasons.push(...(term?.problems() ?? []))
      return { ok: reasons.length === 0, reasons }
    },
    whenSynced: () => synced,
    lead() {
      isWanted = true
      // Every write is a compare-and-set: two terms at once waste work, and nobody gets an address while none is begun.
      const cancel = clock.after(LONGEST_END, begin)
      void ended.then(() => {
        cancel()
        begin()
      })
    },
    standBy: end,
    async stop() {
      for (const [, informer] of all(informers)) informer.stop()
      end()
      await ended
    },
  }
}
