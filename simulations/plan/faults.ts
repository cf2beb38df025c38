import * as z from 'zod'

const at = z.int().min(0)
/** How long, in milliseconds. */
const lasts = z.int().min(1)
const process = z.string()
const share = z.number().min(0).max(1)
/** The name of a process, or `*` for every one. */
const end = z.string()
/**
 * When a process is struck: `now`, or at its `nth` time from now on: before a write to the API or of its file leaves, or
 * when it was done and before its answer is heard; before or after a message of its own goes to the broker; or so many
 * turns of its event loop later, counted from the answer to a write, or from now.
 */
const moment = z.enum([
  'now',
  'before-write',
  'after-write',
  'after-answer',
  'before-send',
  'after-send',
  'after-turns',
])
export type StrikeMoment = z.infer<typeof moment>
const nth = z.int().min(1).optional()

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
    /** Arrive as something that no process of this release says. */
    corrupted: share.optional(),
  }),
  /** Somebody else on the broker, who tells and asks what is not so, of real IPPools. */
  z.object({ type: z.literal('forger'), at, lasts, network: z.string(), everyMs: z.int().min(1) }),
  /** One way: nothing from `from` reaches `to`; `api` and `broker` are ends too. */
  z.object({ type: z.literal('cut'), at, lasts, from: end, to: end }),
  z.object({ type: z.literal('broker-down'), at, lasts }),
  /** Messages to the process pile up; beyond so many they are dropped. */
  z.object({ type: z.literal('slow-consumer'), at, lasts, process, keeps: z.int().min(0) }),
  z.object({ type: z.literal('api-down'), at, lasts }),
  /** `silence`: no answer, and nothing done. `late`: done, and no answer. `done-…`: a write is done, and the answer says 500 or 504. */
  z.object({
    type: z.literal('api-errors'),
    at,
    lasts,
    process: end,
    share,
    error: z.enum(['conflict', 'throttled', 'internal', 'silence', 'late', 'done-500', 'done-504']),
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
  /** Lists, and the watches that follow them, show the state of so long ago, as an API server behind a lagging cache does. */
  z.object({ type: z.literal('stale-lists'), at, lasts, process: end, behindMs: z.int().min(1) }),
  /** What watches tell comes up to so much late, in order, while reads and writes are as quick as ever. */
  z.object({ type: z.literal('watch-lag'), at, lasts, process: end, upToMs: z.int().min(1) }),
  /**
   * The watches that are open break off. `gone`: and cannot be resumed (410). `silent`: they stay open and say nothing more.
   * `ended`: as the server ends each after some minutes, and the process hears of it so much later. `missed`: they stay
   * open, and do not tell of so many changes.
   */
  z.object({
    type: z.literal('watches'),
    at,
    process: end,
    how: z.enum(['closed', 'gone', 'silent', 'ended', 'missed']),
    gapMs: z.int().min(0).optional(),
    changes: z.int().min(1).optional(),
  }),
  z.object({
    type: z.literal('crash'),
    at,
    process,
    moment,
    nth,
    downMs: z.int().min(1),
  }),
  /** SIGSTOP, then SIGCONT. */
  z.object({ type: z.literal('pause'), at, lasts, process, moment: moment.optional(), nth }),
  /** The wall clock of the process is set, forward or back. */
  z.object({ type: z.literal('clock-jump'), at, process, byMs: z.int() }),
  /** Parts per thousand that its clocks run too fast. */
  z.object({ type: z.literal('clock-drift'), at, lasts, process, perMille: z.int().min(-500).max(500) }),
  /**
   * Of an agent. `old`: the state of the first write comes back. `corrupt` is half of it, `flipped` has bytes of it turned,
   * `foreign` is that of another IPPool, `version-1` what an earlier release wrote. `kept`: it cannot be removed.
   */
  z.object({
    type: z.literal('state-file'),
    at,
    process,
    damage: z.enum(['full-disk', 'corrupt', 'lost', 'old', 'flipped', 'foreign', 'version-1', 'kept']),
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
