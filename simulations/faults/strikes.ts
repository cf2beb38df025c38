import type { Fault } from '../plan/faults.ts'
import type { World } from '../world/world.ts'
import { matches } from './windows.ts'

type FaultOf<Type extends Fault['type']> = Extract<Fault, { type: Type }>

/** What faults do to processes, machines and disks: each at its time. What lasts and needs no doing is in the windows. */
export class Strikes {
  readonly #world: World
  /** By process: dies at its next write. */
  readonly #armed = new Map<string, FaultOf<'crash'>>()

  constructor(world: World) {
    this.#world = world
    world.onWrite = ({ process, what }, moment) => {
      const fault = this.#armed.get(process)
      if (fault?.moment !== moment || /leases|events/.test(what)) return
      this.#armed.delete(process)
      this.#world.coverage.hit(`crash ${moment}`, what)
      this.#crash(fault, `${moment === 'before-write' ? 'before' : 'after'} ${what}`)
    }
  }

  strike(fault: Fault): void {
    switch (fault.type) {
      case 'crash':
        if (fault.moment !== 'now') this.#armed.set(fault.process, fault)
        else this.#crash(fault, 'killed')
        return
      case 'pause':
        return this.#pause(fault)
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

  /** What was armed and never came to its moment does not come any more. */
  disarm(): void {
    this.#armed.clear()
  }

  #crash(fault: FaultOf<'crash'>, how: string): void {
    const { scheduler, processes, coverage, trace, windows } = this.#world
    const process = processes.get(fault.process)
    if (process === undefined || !process.machine.life.alive) return
    if (fault.moment === 'now') coverage.hit('crash', process.state())
    trace.add({ kind: 'step', who: fault.process, text: `crashes: ${how}`, about: [] })
    process.kill()
    const down = Math.max(Math.min(fault.downMs, windows.end - scheduler.now), 1)
    scheduler.after(down, scheduler.outside, () => {
      if (process.machine.life.alive) return
      trace.add({ kind: 'step', who: fault.process, text: 'starts again', about: [] })
      process.start()
    })
  }

  #pause(fault: FaultOf<'pause'>): void {
    const { scheduler, processes, coverage, trace, windows } = this.#world
    const process = processes.get(fault.process)
    if (process === undefined) return
    const { machine } = process
    const { life } = machine
    if (!life.alive || life.paused) return
    coverage.hit('pause', process.state())
    trace.add({ kind: 'step', who: fault.process, text: 'is stopped (SIGSTOP)', about: [] })
    machine.pause()
    scheduler.after(Math.min(fault.lasts, windows.end - scheduler.now), scheduler.outside, () => {
      if (!life.alive) return
      trace.add({ kind: 'step', who: fault.process, text: 'goes on (SIGCONT)', about: [] })
      machine.resume()
    })
  }

  #drift(fault: FaultOf<'clock-drift'>): void {
    const { scheduler } = this.#world
    this.#onMachine(fault, (machine) => {
      machine.setRate(1 + fault.perMille / 1000)
      scheduler.after(fault.lasts, scheduler.outside, () => machine.setRate(1))
    })
  }

  #onMachine(
    fault: FaultOf<'clock-jump' | 'clock-drift'>,
    change: (machine: { setWallClock(by: number): void; setRate(rate: number): void }) => void,
  ): void {
    const process = this.#world.processes.get(fault.process)
    if (process === undefined) return
    this.#world.coverage.hit(fault.type.replace('-', ' '), process.state())
    change(process.machine)
  }

  #damage(fault: FaultOf<'state-file'>): void {
    const { scheduler, agents, coverage } = this.#world
    const slot = agents.find(({ process }) => process.machine.name === fault.process)
    if (slot === undefined) return
    const { disk, process } = slot
    coverage.hit(`state file ${fault.damage}`, process.state())
    switch (fault.damage) {
      case 'full-disk':
        disk.isFull = true
        scheduler.after(fault.lasts, scheduler.outside, () => {
          disk.isFull = false
        })
        return
      case 'corrupt':
        disk.current = disk.current?.slice(0, disk.current.length / 2)
        return
      case 'lost':
        disk.current = undefined
        return
      case 'old':
        disk.current = disk.first
    }
  }

  #breakWatches({ process: pattern, how }: FaultOf<'watches'>): void {
    for (const [name, process] of this.#world.processes) {
      if (!matches(pattern, name)) continue
      this.#world.coverage.hit(`watches ${how}`, process.state())
      for (const watch of this.#world.watchesOf(name)) {
        if (how === 'closed') watch.close()
        else if (how === 'gone') watch.expire()
        else watch.silence()
      }
    }
  }

  /** NATS' client notices within a moment when the server is gone; when messages vanish on the way it does not. */
  #brokerLost(pattern: string): void {
    for (const [name, process] of this.#world.processes) {
      if (!matches(pattern, name)) continue
      this.#world.coverage.hit('broker lost', process.state())
      process.brokerLost()
    }
  }
}
