import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MacAddress } from '../../../src/api/values/mac-address.ts'
import { type Duration, seconds } from '../../../src/api/values/time.ts'
import { type ClientLease, readLease } from '../../../src/lab/clients/lease.ts'
import { udhcpc } from '../../../src/lab/clients/udhcpc.ts'
import type { LabMachine } from '../../../src/lab/network.ts'
import { sleep } from '../../../src/runtime/clock.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import type { AttachedNetwork } from '../kubelet/runtime/networks.ts'
import { type CommandOutcome, type LeaseReport, outcomeOf, reportsOf, shellLine } from './console.ts'
import { guestSystem, READY } from './system.ts'

/** It did not come to the point, or ended; with the end of what it printed. */
export class GuestError extends Error {
  override readonly name = 'GuestError'
  constructor(what: string, console: string) {
    super(`the guest ${what}; its console: ${console.slice(-2000).trim() || 'nothing'}`)
  }
}

/** A virtual machine with a kernel of its own, whose eth0 is configured by BusyBox's DHCP client. */
export interface Guest {
  /** What it printed on its serial line. */
  readonly console: string
  /** What its DHCP client was told, oldest first. */
  readonly reports: readonly LeaseReport[]
  /** The lease that it was given last; waits for the first. @throws GuestError */
  lease(): Promise<ClientLease>
  /** Asks for a renewal. @throws GuestError */
  renew(): Promise<ClientLease>
  /** Gives the lease back (DHCPRELEASE). @throws GuestError */
  release(): Promise<void>
  /** A shell command in it. @throws GuestError */
  exec(command: string): Promise<CommandOutcome>
  /** As when the power fails. */
  stop(): Promise<void>
}

export interface GuestOptions {
  readonly network: AttachedNetwork
  readonly mac: MacAddress
  readonly name?: string
}

/** Half a minute on an idle machine, and several times that on one that is busy. */
const BOOT = seconds(200)
const ANSWER = seconds(30)

/**
 * Boots a guest, emulated in software, that is plugged into the network as KubeVirt does it: a tap on a bridge in a
 * network namespace of its own. Does not wait for it to be up: `lease` does.
 * @throws GuestMissingError
 */
export async function startGuest({ network, mac, name = 'guest' }: GuestOptions): Promise<Guest> {
  const { kernel, initialRoot } = guestSystem()
  const folder = mkdtempSync(join(tmpdir(), 'mdhcp-guest-'))
  const machine = await network.attachClient(name)
  try {
    writeFileSync(join(folder, 'initrd'), initialRoot)
    await plugInTap(machine)
    return new SerialGuest(machine, folder, qemuArguments(kernel, join(folder, 'initrd'), mac))
  } catch (error) {
    await machine.namespace.close()
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

async function plugInTap({ namespace, interfaceName }: LabMachine): Promise<void> {
  const ip = (...args: string[]) => namespace.exec('ip', args)
  await ip(
    'link',
    'add',
    'br0',
    'type',
    'bridge',
    'stp_state',
    '0',
    'forward_delay',
    '0',
    'mcast_snooping',
    '0',
  )
  await ip('tuntap', 'add', 'tap0', 'mode', 'tap')
  for (const port of [interfaceName, 'tap0']) await ip('link', 'set', port, 'master', 'br0', 'up')
  await ip('link', 'set', 'br0', 'up')
}

/** As few devices as a boot needs. */
function qemuArguments(kernel: string, initialRoot: string, mac: MacAddress): string[] {
  return [
    ...['-machine', 'pc,accel=tcg', '-m', '128', '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-no-reboot', '-serial', 'stdio', '-kernel', kernel, '-initrd', initialRoot],
    ...['-append', 'console=ttyS0 quiet loglevel=1 panic=-1'],
    ...['-netdev', 'tap,id=net,ifname=tap0,script=no,downscript=no'],
    ...['-device', `virtio-net-pci,netdev=net,mac=${mac},romfile=`],
  ]
}

class SerialGuest implements Guest {
  console = ''
  readonly #machine: LabMachine
  readonly #folder: string
  readonly #process: ChildProcess
  readonly #input: NodeJS.WritableStream
  #commands = 0

  constructor(machine: LabMachine, folder: string, args: readonly string[]) {
    this.#machine = machine
    this.#folder = folder
    const child = machine.namespace.spawnPiped('qemu-system-x86_64', args)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.console += text
      })
    }
    child.stdin.on('error', () => {})
    child.on('error', (error) => {
      this.console += error.message
    })
    this.#process = child
    this.#input = child.stdin
  }

  get reports(): readonly LeaseReport[] {
    return reportsOf(this.console)
  }

  lease(): Promise<ClientLease> {
    return this.#leaseAfter(0, 'got no lease', BOOT)
  }

  async renew(): Promise<ClientLease> {
    const seen = this.reports.length
    await this.exec('kill -USR1 $(cat /dhcp-client)')
    return this.#leaseAfter(seen, 'got no renewal', ANSWER)
  }

  async release(): Promise<void> {
    const seen = this.reports.length
    await this.exec('kill -USR2 $(cat /dhcp-client)')
    const isReleased = () => this.reports.slice(seen).find(({ reason }) => reason === 'deconfig')
    await this.#until('gave nothing back', ANSWER, isReleased)
  }

  async exec(command: string): Promise<CommandOutcome> {
    await this.#until('did not boot', BOOT, () => this.console.includes(READY) || undefined)
    const id = ++this.#commands
    this.#input.write(shellLine(id, command))
    return this.#until(`did not carry out "${command}"`, ANSWER, () => outcomeOf(this.console, id))
  }

  async stop(): Promise<void> {
    if (!this.#hasEnded) {
      const ended = once(this.#process, 'exit')
      this.#process.kill('SIGKILL')
      await ended
    }
    await this.#machine.namespace.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #leaseAfter(seen: number, problem: string, patience: Duration): Promise<ClientLease> {
    return this.#until(problem, patience, () => {
      const last = this.reports.slice(seen).findLast(({ reason }) => reason === 'bound' || reason === 'renew')
      return last === undefined ? undefined : readLease(last.variables, udhcpc.variableNames)
    })
  }

  get #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  async #until<T>(problem: string, patience: Duration, look: () => T | undefined): Promise<T> {
    const deadline = systemClock.now() + patience
    for (;;) {
      const seen = look()
      if (seen !== undefined) return seen
      if (this.#hasEnded) throw new GuestError('ended', this.console)
      if (systemClock.now() > deadline) throw new GuestError(problem, this.console)
      await sleep(systemClock, seconds(0.05))
    }
  }
}
