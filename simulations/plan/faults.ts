import * as z from 'zod'

const at = z.int().min(0)
/** How long, in milliseconds. */
const lasts = z.int().min(1)
const process = z.string()
const share = z.number().min(0).max(1)
/** The name of a process, or `*` for every one. */
const end = z.string()

/**
 * What goes wrong, each at `at` milliseconds. Data, so that a failing run can be shrunk and replayed; what chance decides
 * within a fault comes from streams of its own, so that taking one fault away leaves the others as they were.
 */
export const faultSchema = z.discriminatedUnion('type', [
  /** Messages between processes, through the broker. Delays above the usual one also reorder. */
  z.object({
    type: z.literal('messages'),
    at,
    lasts,
    from: end,
    to: end,
    lost: share,
    doubled: share,
    delayed: share,
    delayMs: z.int().min(0),
  }),
  /** One way: nothing from `from` reaches `to`; `api` and `broker` are ends too. */
  z.object({ type: z.literal('cut'), at, lasts, from: end, to: end }),
  z.object({ type: z.literal('broker-down'), at, lasts }),
  /** Messages to the process pile up; beyond so many they are dropped. */
  z.object({ type: z.literal('slow-consumer'), at, lasts, process, keeps: z.int().min(0) }),
  z.object({ type: z.literal('api-down'), at, lasts }),
  /** `silence`: no answer, and nothing done. `late`: done, and no answer. */
  z.object({
    type: z.literal('api-errors'),
    at,
    lasts,
    process: end,
    share,
    error: z.enum(['conflict', 'throttled', 'internal', 'silence', 'late']),
  }),
  /** Requests take so much longer, up to. `request`: only those of this kind, as `patch ippools/status`. */
  z.object({
    type: z.literal('api-slow'),
    at,
    lasts,
    process: end,
    upToMs: z.int().min(1),
    request: z.string().optional(),
  }),
  /** Lists show the state of so long ago, as an API server behind a lagging cache does. */
  z.object({ type: z.literal('stale-lists'), at, lasts, process: end, behindMs: z.int().min(1) }),
  /** The watches that are open break off. `gone`: and cannot be resumed (410). `silent`: they stay open and say nothing more. */
  z.object({ type: z.literal('watches'), at, process: end, how: z.enum(['closed', 'gone', 'silent']) }),
  /** `now`, or with the next write to the API: before it leaves, or when it was done and before its answer is heard. */
  z.object({
    type: z.literal('crash'),
    at,
    process,
    moment: z.enum(['now', 'before-write', 'after-write']),
    downMs: z.int().min(1),
  }),
  /** SIGSTOP, then SIGCONT. */
  z.object({ type: z.literal('pause'), at, lasts, process }),
  /** The wall clock of the process is set, forward or back. */
  z.object({ type: z.literal('clock-jump'), at, process, byMs: z.int() }),
  /** Parts per thousand that its clocks run too fast. */
  z.object({ type: z.literal('clock-drift'), at, lasts, process, perMille: z.int().min(-500).max(500) }),
  /** Of an agent. `old`: the state of the first write comes back. */
  z.object({
    type: z.literal('state-file'),
    at,
    process,
    damage: z.enum(['full-disk', 'corrupt', 'lost', 'old']),
    lasts,
  }),
  z.object({
    type: z.literal('packets'),
    at,
    lasts,
    network: z.string(),
    lost: share,
    doubled: share,
    corrupted: share,
    delayed: share,
    delayMs: z.int().min(0),
  }),
  /** A client that lies: about its MAC address, about what it was given, about everything. */
  z.object({ type: z.literal('liar'), at, lasts, network: z.string(), everyMs: z.int().min(1) }),
])
export type Fault = z.infer<typeof faultSchema>
