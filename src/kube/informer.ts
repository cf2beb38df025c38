import type { Logger } from 'pino'
import type { KubeObject } from '../api/object.ts'
import type { Resource } from '../api/resource.ts'
import type { ObjectKey } from '../api/values/object-key.ts'
import type { Duration, Instant } from '../api/values/time.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { BackoffOptions } from './backoff.ts'
import { ListWatchInformer } from './list-watch-informer.ts'
import type { IndexFunction } from './object-cache.ts'
import type { Store } from './store.ts'

export interface InformerOptions {
  store: Store
  resource: Resource
  clock: Clock
  random: Random
  log: Logger
  /** Only these objects; without it, all. */
  scope?: InformerScope
  /** How often everything is listed again, give or take a tenth, whatever the watch says. Default 10 minutes. */
  relistInterval?: Duration
  /** A list or watch that is silent for so long, without a bookmark (one a minute), is given up. Default 3 minutes. */
  idleTimeout?: Duration
  backoff?: BackoffOptions
  /**
   * For a kind that a cluster may do without: what is amiss without it, for the log. Where the API server does not know
   * the kind, and never did while this informer ran, that counts as an empty list and is asked again every half minute.
   *
   * Once anything was listed, "I do not know the kind" never empties the cache: an API server says so for a moment when
   * it starts, or while a CustomResourceDefinition is replaced, and nobody's address may go for that. Real deletions,
   * also those that come with a deleted CustomResourceDefinition, are told by the watch or by a later list.
   */
  withoutKind?: string
}

export interface InformerScope {
  namespace?: string
  name?: string
  labelSelector?: string
}

/** `object` is undefined when it is gone, `previous` when it is new. Neither may be changed. */
export type ChangeHandler = (
  key: ObjectKey,
  object: KubeObject | undefined,
  previous: KubeObject | undefined,
) => void

/**
 * A copy of the objects of one kind, kept up to date by list and watch, that comes back from every failure by itself.
 * Handlers hear of differences only: they may miss steps in between, never the last state. One that throws is logged.
 */
export interface Informer {
  /** Before `start`, to hear of every object. */
  onChange(handler: ChangeHandler): void
  start(): void
  /** For good. Nothing is reported afterwards; what is cached can still be read. */
  stop(): void
  get(key: ObjectKey): KubeObject | undefined
  list(): KubeObject[]
  addIndex(name: string, valuesOf: IndexFunction): void
  /** @throws UnknownIndexError */
  byIndex(name: string, value: string): KubeObject[]
  /** True once everything was listed. */
  synced(): boolean
  /** Resolves after the handlers have heard of everything that the first list held. */
  whenSynced(): Promise<void>
  /** When the API server last said anything. */
  lastContact(): Instant | undefined
  /** For readiness: synced, and in contact with the API server. */
  healthy(now: Instant): boolean
}

export function createInformer(options: InformerOptions): Informer {
  return new ListWatchInformer(options)
}
