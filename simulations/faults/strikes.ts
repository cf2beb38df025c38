import type { Fault, StrikeMoment } from '../plan/faults.ts'
import { type Chance, createChance } from '../world/chance.ts'
import type { Machine } from '../world/machine.ts'
import type { SimulatedProcess } from '../world/process.ts'
import type { World } from '../world/world.ts'
import { ArmedStrikes } from './armed.ts'
import { damaged } from './state-damage.ts'
import { type FaultOf, matches } from './windows.ts'

/** What faults do to processes, machines and disks: each at its time. What lasts and needs no doing is in the windows. */
export class Strikes {
  readonly #world: World
  readonly #armed: ArmedStrikes
  readonly #chance: Chance

  constructor(world: World) {
    this.#world = world
    this.#armed = new ArmedStrikes(world)
    this.#chance = createChance(world.plan.seed, 'strikes')
  }

  strike(fault: Fault): void {
    switch (fault.type) {
      case 'crash':
        return this.#when(fault, (how) => this.#crash(fault, how))
      case 'pause':
        return this.#when(fault, (how) => this.#pause(fault, how))
      case 'clock-jump':
        return this.#onMachine(fault, (machine) => machine.setWallClock(fault.byMs))
      case 'clock-drift':
        return this.#drift(fault)
      case 'state-file':
        return this.#damage(fault)
      case 'watches':
        return this.#breakWatches(fault)
      case 'broker-down':
        return this.#brokerLost('*')
      case 'cut': {
        const { from, to } = fault
        if (from === 'broker' || to === 'broker') this.#brokerLost(from === 'broker' ? to : from)
        return
      }
      case 'api-down':
        return this.#breakWatches({ type: 'watches', at: fault.at, process: '*', how: 'closed' })
      default:
        return
    }
  }

  /** What was armed and never came to its moment does not come any more; what watches keep back, they keep no more. */
  disarm(): void {
    this.#armed.disarm()
    for (const name of this.#world.processes.keys()) {
      for (const watch of this.#world.watchesOf(name)) watch.miss(0, () => {})
    }
  }

  /** @param act is told how it comes to it, and says whether it took effect */
  #when(
    { type, process, moment = 'now', nth = 1 }: FaultOf<'crash' | 'pause'>,
    act: (how: string) => boolean,
  ) {
    const { coverage, processes } = this.#world
    if (moment === 'now') {
      const state = processes.get(process)?.state() ?? ''
      if (act('')) coverage.hit(type, state)
      return
    }
    this.#armed.arm(process, moment, nth, (what) => {
      if (act(`: ${wordsOf(moment)} ${what}`)) coverage.hit(`${type} ${moment}`, what)
    })
  }

  #crash(fault: FaultOf<'crash'>, how: string): boolean {
    const { scheduler, trace, windows } = this.#world
    const process = this.#alive(fault.process)
    if (process === undefined) return false
    trace.add({ kind: 'step', who: fault.process, text: `crashes${how || ': killed'}`, about: [] })
    process.kill()
    const down = Math.max(Math.min(fault.downMs, windows.end - scheduler.now), 1)
    scheduler.after(down, scheduler.outside, () => {
      if (process.machine.life.alive) return
      trace.add({ kind: 'step', who: fault.process, text: 'starts again', about: [] })
      process.start()
    })
    return true
  }

  #pause(fault: FaultOf<'pause'>, how: string): boolean {
    const { scheduler, trace, windows } = this.#world
    const machine = this.#alive(fault.process)?.machine
    if (machine === undefined || machine.life.paused) return false
    const { life } = machine
    trace.add({ kind: 'step', who: fault.process, text: `is stopped (SIGSTOP)${how}`, about: [] })
    const lasts = Math.max(Math.min(fault.lasts, windows.end - scheduler.now), 0)
    machine.pause(scheduler.now + lasts)
    scheduler.after(lasts, scheduler.outside, () => {
      if (!life.alive) return
      trace.add({ kind: 'step', who: fault.process, text: 'goes on (SIGCONT)', about: [] })
      machine.resume()
    })
    return true
  }

  #drift(fault: FaultOf<'clock-drift'>): void {
    const { scheduler } = this.#world
    this.#onMachine(fault, (machine) => {
      machine.setRate(1 + fault.perMille / 1000)
      scheduler.after(fault.lasts, scheduler.outside, () => machine.setRate(1))
    })
  }

  #onMachine(fault: FaultOf<'clock-jump' | 'clock-drift'>, change: (machine: Machine) => void): void {
    const process = this.#world.processes.get(fault.process)
    if (process === undefined) return
    // Who is down asks for the time when it starts.
    if (process.machine.life.alive) this.#world.coverage.hit(fault.type.replace('-', ' '), process.state())
    change(process.machine)
  }

  #damage({ process: name, damage, lasts }: FaultOf<'state-file'>): void {
    const { scheduler, agents, coverage } = this.#world
    const slot = agents.find(({ process }) => process.machine.name === name)
    if (slot === undefined) return
    const { disk, process } = slot
    if (damage === 'full-disk' || damage === 'kept') {
      const what = damage === 'kept' ? 'isKept' : 'isFull'
      disk[what] = true
      scheduler.after(lasts, scheduler.outside, () => {
        disk[what] = false
      })
      return
    }
    const before = disk.file
    disk.file = damaged(disk, damage, this.#chance)
    if (disk.file !== before) coverage.hit(`state file ${damage}`, process.state())
  }

  #breakWatches({ process: pattern, how, gapMs = 0, changes = 1 }: FaultOf<'watches'>): void {
    const { processes, coverage } = this.#world
    for (const [name, process] of processes) {
      if (!matches(pattern, name)) continue
      const state = process.state()
      const met = () => coverage.hit(`watches ${how}`, state)
      for (const watch of this.#world.watchesOf(name)) {
        if (how === 'missed') watch.miss(changes, met)
        else if (
          (how === 'closed' && watch.close()) ||
          (how === 'gone' && watch.expire()) ||
          (how === 'silent' && watch.silence()) ||
          (how === 'ended' && watch.finish(gapMs))
        ) {
          met()
        }
      }
    }
  }

  /** NATS' client notices within a moment when the server is gone; when messages vanish on the way it does not. */
  #brokerLost(pattern: string): void {
    for (const [name, process] of this.#world.processes) {
      if (!matches(pattern, name) || !process.machine.life.alive) continue
      this.#world.coverage.hit('broker lost', process.state())
      process.brokerLost()
    }
  }

  #alive(name: string): SimulatedProcess | undefined {
    const process = this.#world.processes.get(name)
    return process?.machine.life.alive ? process : undefined
  }
}

function wordsOf(moment: StrikeMoment): string {
  if (moment === 'after-turns') return 'while it is'
  return moment.startsWith('before') ? 'before' : 'after'
}
