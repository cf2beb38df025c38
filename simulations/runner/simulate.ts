import { letForge } from '../faults/forger.ts'
import { letLie } from '../faults/liars.ts'
import { Strikes } from '../faults/strikes.ts'
import { laws } from '../invariants/laws.ts'
import { aboutOperation } from '../plan/about.ts'
import type { Plan } from '../plan/plan.ts'
import { describeFault, describeOperation } from '../report/plan-text.ts'
import { createChance } from '../world/chance.ts'
import { installGlobals, realNow, realTurn } from '../world/globals.ts'
import { newLife } from '../world/life.ts'
import { EPOCH } from '../world/machine.ts'
import { LivelockError, Scheduler } from '../world/scheduler.ts'
import { createWorld, type World } from '../world/world.ts'
import type { RunResult } from './result.ts'

export interface SimulateOptions {
  /** Keep the trace also when nothing was violated. */
  keepTrace?: boolean
}

/** After the last fault: so long for what must come true, and two leases, which have to run out. */
const LEAST_QUIET = 420_000
/** What nobody was told of is found by the next list, eleven minutes after the last at the latest. */
const QUIET_AFTER_MISSED = 900_000
const QUIET_BEYOND_LEASES = 240_000

let isRunning = false

/**
 * One simulation: the real actors and processes in a simulated world, which ends with the first violation. Only one at a
 * time in one thread: timers and chance of the whole thread are the simulation's while it runs.
 */
export async function simulate(plan: Plan, { keepTrace = false }: SimulateOptions = {}): Promise<RunResult> {
  if (isRunning) throw new Error('a simulation runs in this thread already')
  isRunning = true
  const startedAt = realNow()
  const scheduler = new Scheduler(createChance(plan.seed, 'order'), newLife('outside'))
  const restore = installGlobals(scheduler, createChance(plan.seed, 'globals'), EPOCH)
  let world: World | undefined
  const unhandled = (error: unknown) =>
    world?.judge.logged({
      process: scheduler.current.process,
      message: 'a promise was rejected and nobody looked',
      error: asLogged(error),
    })
  process.on('unhandledRejection', unhandled)
  try {
    world = await createWorld(plan, scheduler)
    await playUntilLivelock(world)
    const { judge, trace, coverage } = world
    return {
      plan,
      violations: judge.violations,
      digest: trace.digest(),
      simulatedMs: scheduler.now,
      events: scheduler.turns,
      wallMs: realNow() - startedAt,
      coverage: coverage.counts(),
      ...(keepTrace || judge.violations.length > 0 ? { trace: trace.entries } : {}),
    }
  } finally {
    for (const simulated of world?.processes.values() ?? []) {
      if (simulated.machine.life.alive) simulated.kill()
    }
    restore()
    // What was told to end in the turns of the real loop.
    await new Promise<void>((resolve) => realTurn(resolve))
    process.off('unhandledRejection', unhandled)
    isRunning = false
  }
}

/** Who runs in circles blocks everybody else: that ends a simulation as a violation. */
async function playUntilLivelock(world: World): Promise<void> {
  try {
    await play(world)
  } catch (error) {
    if (!(error instanceof LivelockError)) throw error
    world.judge.witness.violated('no livelock', error.message, [])
  }
}

async function play(world: World): Promise<void> {
  const { plan, scheduler, operator, processes, judge, trace } = world
  const chance = createChance(plan.seed, 'starts')
  const outside = scheduler.outside
  judge.add(...laws(world))
  await operator.prepare()
  for (const process of processes.values()) {
    scheduler.after(chance.between(0, 2_000), outside, () => {
      trace.add({ kind: 'step', who: process.machine.name, text: 'starts', about: [] })
      process.start()
    })
  }
  for (const operation of plan.operations) {
    scheduler.after(operation.at, outside, () => {
      const text = describeOperation(operation)
      trace.add({ kind: 'operation', who: 'operator', text, about: aboutOperation(operation, plan) })
      operator.carryOut(operation)
    })
  }
  const strikes = new Strikes(world)
  for (const fault of plan.faults) {
    scheduler.after(fault.at, outside, () => {
      trace.add({ kind: 'fault', who: 'fault', text: describeFault(fault), about: [] })
      if (fault.type === 'liar') letLie(world, fault)
      else if (fault.type === 'forger') letForge(world, fault)
      else strikes.strike(fault)
    })
  }
  const isOver = () => judge.violations.length > 0
  await scheduler.runUntil(plan.durationMs, realTurn, isOver)
  strikes.disarm()
  world.guests.resumeAll()
  world.lostNodes.endAll()
  for (const process of processes.values()) {
    process.machine.setRate(1)
    process.machine.setWallClock(-process.machine.error)
  }
  trace.add({ kind: 'step', who: 'fault', text: 'everything is in order from now on', about: [] })
  await scheduler.runUntil(plan.durationMs + quietOf(plan), realTurn, isOver)
  if (!isOver()) judge.quiet()
}

function quietOf({ networks, operations, faults }: Plan): number {
  const edited = operations.flatMap((operation) =>
    operation.type === 'pool-edit' ? [leaseTimeOf(operation.spec)] : [],
  )
  const longest = Math.max(...networks.map(({ leaseSeconds }) => leaseSeconds), ...edited)
  const isMissed = faults.some((fault) => fault.type === 'watches' && fault.how === 'missed')
  return Math.max(isMissed ? QUIET_AFTER_MISSED : LEAST_QUIET, 2_000 * longest + QUIET_BEYOND_LEASES)
}

function leaseTimeOf({ ipv4Config }: Record<string, unknown>): number {
  if (typeof ipv4Config !== 'object' || ipv4Config === null || !('leaseTime' in ipv4Config)) return 0
  return typeof ipv4Config.leaseTime === 'number' ? ipv4Config.leaseTime : 0
}

function asLogged(error: unknown) {
  if (!(error instanceof Error)) return { type: 'unknown', message: String(error), stack: '' }
  return { type: error.name, message: error.message, stack: error.stack ?? '' }
}
