import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Duration, seconds } from '../../api/values/time.ts'
import type { Clock } from '../../runtime/clock.ts'
import { LAB_FOLDER, type NetworkNamespace } from '../namespace.ts'
import { requireTool } from '../tools.ts'
import { dhclient } from './dhclient.ts'
import { dhcpcd } from './dhcpcd.ts'
import { followHook, type HookEvent, hookScript } from './hook.ts'
import { type ClientLease, readLease } from './lease.ts'
import type { ClientKind, ClientPlace, ClientProgram } from './program.ts'
import { udhcpc } from './udhcpc.ts'

const PROGRAMS: Record<ClientKind, ClientProgram> = { udhcpc, dhclient, dhcpcd }
const BOUND = ['bound', 'BOUND', 'REBOOT', 'renew', 'RENEW', 'REBIND']
const RENEWED = ['renew', 'RENEW', 'REBIND']
const GIVEN_UP = ['deconfig', 'nak', 'NAK', 'EXPIRE', 'FAIL', 'RELEASE']
const DEFAULT_TIMEOUT = seconds(40)
const MAX_OUTPUT = 64 * 1024

/** A client did not come to the point within its time, or ended. */
export class ClientFailedError extends Error {
  override readonly name = 'ClientFailedError'
  constructor(
    readonly kind: ClientKind,
    what: string,
    readonly output: string,
  ) {
    super(`${kind} ${what}; it said: ${output.trim() || 'nothing'}`)
  }
}

export interface DhcpClientOptions {
  kind: ClientKind
  namespace: NetworkNamespace
  interfaceName: string
  clock: Clock
  /** How long start, renew and the like may take. */
  timeout?: Duration
  /** Hears of every call of its script, at once. */
  onEvent?: (event: HookEvent) => void
}

/** A DHCP client program on an interface in a namespace. Only one at a time may run on an interface. */
export interface DhcpClient {
  readonly kind: ClientKind
  /** The lease that it has now, as far as it told its script: none after it was given up or the client was stopped. */
  readonly lease: ClientLease | undefined
  /** What its script was called with, oldest first. */
  readonly events: readonly HookEvent[]
  /** What it printed last. */
  readonly output: string
  /** Starts it and waits for a lease. @throws ClientFailedError @throws LabUnavailableError when not installed */
  start(): Promise<ClientLease>
  /** The next renewal: asked for where the client can be asked (dhclient renews at T1 only). */
  renew(): Promise<ClientLease>
  /** Stops it as a power failure would, and starts it again with what it remembers. */
  reboot(): Promise<ClientLease>
  /** Gives the lease back (DHCPRELEASE), and ends. */
  release(): Promise<void>
  /** Ends it without a word to the server. */
  stop(): Promise<void>
  /** The next call of the script that `matches`, from now on. @throws ClientFailedError */
  nextEvent(matches: (event: HookEvent) => boolean): Promise<HookEvent>
}

export function createDhcpClient(options: DhcpClientOptions): DhcpClient {
  return new ProgramClient(PROGRAMS[options.kind], options)
}

class ProgramClient implements DhcpClient {
  readonly events: HookEvent[] = []
  readonly #program: ClientProgram
  readonly #place: ClientPlace
  readonly #eventsFile: string
  readonly #clock: Clock
  readonly #timeout: Duration
  readonly #onEvent: (event: HookEvent) => void
  readonly #watchers = new Set<{ event(event: HookEvent): void; ended(): void }>()
  #process: ChildProcess | undefined
  #follower: ChildProcess | undefined
  #output = ''
  #lease: ClientLease | undefined

  constructor(program: ClientProgram, options: DhcpClientOptions) {
    const folder = join(LAB_FOLDER, `${program.kind}-${options.interfaceName}`)
    this.#program = program
    this.#place = { ...options, folder, scriptFile: join(folder, 'script') }
    this.#eventsFile = join(folder, 'events')
    this.#clock = options.clock
    this.#timeout = options.timeout ?? DEFAULT_TIMEOUT
    this.#onEvent = options.onEvent ?? (() => {})
  }

  get kind() {
    return this.#program.kind
  }
  get lease() {
    return this.#lease
  }
  get output() {
    return this.#output
  }

  async start(): Promise<ClientLease> {
    requireTool(this.kind)
    if (this.#process !== undefined) throw new ClientFailedError(this.kind, 'runs already', this.#output)
    await this.#prepare()
    return this.#run(undefined)
  }

  async renew(): Promise<ClientLease> {
    const command = this.#program.renewCommand(this.#place, this.#pid())
    const [event] = await Promise.all([
      this.nextEvent((event) => RENEWED.includes(event.reason)),
      command && this.#exec(command),
    ])
    return this.#leaseOf(event)
  }

  async reboot(): Promise<ClientLease> {
    const previous = this.#lease
    await this.#end('SIGKILL')
    const { volatile } = this.#program
    if (volatile !== undefined) {
      await rm(this.#place.namespace.path(volatile), { recursive: true, force: true })
    }
    return this.#run(previous)
  }

  async release(): Promise<void> {
    const command = this.#program.releaseCommand(this.#place, this.#pid())
    const { releasedReason } = this.#program
    await Promise.all([
      releasedReason && this.nextEvent((event) => event.reason === releasedReason),
      this.#exec(command),
    ])
    await this.#end('SIGTERM')
    this.#lease = undefined
    this.#unfollow()
  }

  async stop(): Promise<void> {
    await this.#end('SIGKILL')
    this.#lease = undefined
    this.#unfollow()
  }

  nextEvent(matches: (event: HookEvent) => boolean): Promise<HookEvent> {
    return new Promise((resolve, reject) => {
      const finish = (act: () => void) => {
        this.#watchers.delete(watcher)
        cancel()
        act()
      }
      const fail = (what: string) => reject(new ClientFailedError(this.kind, what, this.#output))
      const watcher = {
        event: (event: HookEvent) => {
          if (matches(event)) finish(() => resolve(event))
        },
        ended: () => finish(() => fail('ended')),
      }
      const cancel = this.#clock.after(this.#timeout, () =>
        finish(() => fail(`did not get there within ${this.#timeout / 1000} s`)),
      )
      this.#watchers.add(watcher)
    })
  }

  async #prepare(): Promise<void> {
    const { namespace, folder, scriptFile } = this.#place
    if (this.#follower !== undefined) return
    const script = hookScript(this.#eventsFile, this.#program.configuresByScript)
    await mkdir(namespace.path(folder), { recursive: true })
    await writeFile(namespace.path(scriptFile), script)
    await chmod(namespace.path(scriptFile), 0o755)
    await writeFile(namespace.path(this.#eventsFile), '')
    for (const [name, text] of Object.entries(this.#program.files(this.#place))) {
      await writeFile(namespace.path(join(folder, name)), text)
    }
    // What is still on its way when the client was stopped is of a life that is over.
    const follower = followHook(namespace, this.#eventsFile, (event) => {
      if (this.#follower === follower) this.#note(event)
    })
    this.#follower = follower
  }

  #unfollow(): void {
    this.#follower?.kill()
    this.#follower = undefined
  }

  async #run(previous: ClientLease | undefined): Promise<ClientLease> {
    const [command = '', ...args] = this.#program.commandLine(this.#place, previous)
    const bound = this.nextEvent((event) => BOUND.includes(event.reason))
    const child = this.#place.namespace.spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-MAX_OUTPUT)
      })
    }
    child.once('exit', () => {
      if (this.#process !== child) return
      this.#process = undefined
      for (const watcher of this.#watchers) watcher.ended()
    })
    try {
      return this.#leaseOf(await bound)
    } catch (error) {
      await this.#end('SIGKILL')
      throw error
    }
  }

  #note(event: HookEvent): void {
    this.events.push(event)
    if (BOUND.includes(event.reason)) this.#lease = readLease(event.variables, this.#program.variableNames)
    else if (GIVEN_UP.includes(event.reason)) this.#lease = undefined
    this.#onEvent(event)
    for (const watcher of this.#watchers) watcher.event(event)
  }

  #leaseOf(event: HookEvent): ClientLease {
    const lease = readLease(event.variables, this.#program.variableNames)
    if (lease === undefined) throw new ClientFailedError(this.kind, 'told no address', this.#output)
    return lease
  }

  #pid(): number {
    const pid = this.#process?.pid
    if (pid === undefined) throw new ClientFailedError(this.kind, 'is not running', this.#output)
    return pid
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (child?.pid === undefined) return
    this.#process = undefined
    const exited = once(child, 'exit')
    // The whole process group: dhcpcd forks helpers.
    process.kill(-child.pid, signal)
    await exited
  }

  async #exec(command: readonly string[]): Promise<void> {
    const [program = '', ...args] = command
    await this.#place.namespace.exec(program, args)
  }
}
