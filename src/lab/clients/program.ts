import type { NetworkNamespace } from '../namespace.ts'
import type { ClientLease, VariableNames } from './lease.ts'

export type ClientKind = 'udhcpc' | 'dhclient' | 'dhcpcd'

/** Where one client runs and where its files are, inside its namespace. */
export interface ClientPlace {
  readonly namespace: NetworkNamespace
  readonly interfaceName: string
  /** The client's own folder, which goes with the namespace. */
  readonly folder: string
  readonly scriptFile: string
}

/** How one DHCP client program is driven. */
export interface ClientProgram {
  readonly kind: ClientKind
  readonly variableNames: VariableNames
  /** Whether its script has to put the address on the interface. */
  readonly configuresByScript: boolean
  /** What it keeps under /run, which a power failure empties. */
  readonly volatile?: string
  /** Configuration files by name, written before the first start. */
  files(place: ClientPlace): Record<string, string>
  /** Runs in the foreground. `previous` is the lease of the run before, for a client that doesn't keep it itself. */
  commandLine(place: ClientPlace, previous: ClientLease | undefined): readonly string[]
  /** A program that asks for a renewal now; undefined when the client renews by its own clock only. */
  renewCommand(place: ClientPlace, pid: number): readonly string[] | undefined
  /** A program that gives the lease back (DHCPRELEASE). */
  releaseCommand(place: ClientPlace, pid: number): readonly string[]
  /** The script call that comes after the DHCPRELEASE, when the command ends before it is sent. */
  readonly releasedReason?: string
}
