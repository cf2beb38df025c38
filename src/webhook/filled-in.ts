import * as z from 'zod'
import type { IPPool, IPPoolSpec } from '../api/ippool.ts'
import type { ObjectMeta } from '../api/object.ts'
import { chooseServerAddress, defaultRange, textOf } from '../api/pool-defaults.ts'
import { parseCidr } from '../api/values/cidr.ts'
import { type IPv4Address, parseIPv4Address } from '../api/values/ipv4-address.ts'
import { readable } from './rules/wishes.ts'

type IPv4Config = IPPoolSpec['ipv4Config']

/**
 * What an edit of the subnet leaves standing that nobody wrote: `kubectl apply` of another subnet keeps the server
 * address and the range that admission chose for the old one. They are left out here, to be chosen again.
 *
 * @param isTaken a VM holds the address, or may still use it
 */
export function withoutFilledIn(
  pool: IPPool,
  old: IPPool | undefined,
  isTaken: (address: IPv4Address) => boolean,
): IPv4Config {
  const { ipv4Config } = pool.spec
  const before = old?.spec.ipv4Config
  if (before === undefined || before.cidr === ipv4Config.cidr) return ipv4Config
  const subnet = readable(() => parseCidr(before.cidr))
  if (subnet === undefined) return ipv4Config

  const isWritten = writtenFields(pool.metadata)
  const { start, end, ...ownRange } = ipv4Config.pool ?? {}
  const chosen = defaultRange(subnet, [addressOf(before.serverIP), addressOf(before.router)])
  const keptStart = start === textOf(chosen.start) && !isWritten(['pool', 'start']) ? undefined : start
  const keptEnd = end === textOf(chosen.end) && !isWritten(['pool', 'end']) ? undefined : end
  const range = {
    ...ownRange,
    ...(keptStart === undefined ? {} : { start: keptStart }),
    ...(keptEnd === undefined ? {} : { end: keptEnd }),
  }

  const { serverIP, ...others } = { ...ipv4Config, pool: range }
  const server = chooseServerAddress({ ...others, cidr: before.cidr, router: before.router }, isTaken)
  const isServerChosen = serverIP === textOf(server) && !isWritten(['serverIP'])
  return isServerChosen || serverIP === undefined ? others : { ...others, serverIP }
}

const managedFieldsSchema = z.array(z.looseObject({ fieldsV1: z.unknown() }))

/** Whether somebody wrote a field of `spec.ipv4Config`: what admission adds, no manager of the object owns. */
function writtenFields(metadata: ObjectMeta): (path: readonly string[]) => boolean {
  const owned = managedFieldsSchema.safeParse(metadata.managedFields).data ?? []
  const applied = metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration']
  const manifest: unknown = applied === undefined ? undefined : readable(() => JSON.parse(applied))
  return (path) => {
    const whole = ['spec', 'ipv4Config', ...path]
    const fields = whole.map((field) => `f:${field}`)
    return has(manifest, whole) || owned.some(({ fieldsV1 }) => has(fieldsV1, fields))
  }
}

function has(value: unknown, path: readonly string[]): boolean {
  const [field, ...rest] = path
  if (field === undefined) return true
  const found =
    typeof value === 'object' && value !== null && Object.entries(value).find(([key]) => key === field)
  return found ? has(found[1], rest) : false
}

function addressOf(text: string | undefined): IPv4Address | undefined {
  return text ? readable(() => parseIPv4Address(text)) : undefined
}
