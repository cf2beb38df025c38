import { isDeepStrictEqual } from 'node:util'
import type { FieldProblem } from '../api/field-problem.ts'
import { type IPPool, ipPoolSchema } from '../api/ippool.ts'
import type { KubeObject } from '../api/object.ts'
import { type PoolConfiguration, parsePoolConfiguration } from '../api/pool-configuration.ts'
import { poolNameProblem } from '../api/pool-name.ts'
import { formatObjectKey, sameObjectKey } from '../api/values/object-key.ts'
import { keyOf } from '../kube/object-cache.ts'
import type { ClusterView } from './cluster-view.ts'
import { ownAddressesHeld, takenFromHolders } from './rules/held-addresses.ts'
import { onePoolPerNetwork } from './rules/one-pool-a-network.ts'
import { whyNotDeletable } from './rules/pool-deletion.ts'
import { valueProblems, valueWarnings } from './rules/pool-values.ts'
import { serviceOverlap } from './rules/service-overlap.ts'
import { allowed, newProblems, shapeProblems, type Verdict, verdictOf } from './verdict.ts'

export interface PoolRules {
  /** What a pool gets whose NetworkAttachmentDefinition is not there. */
  missingNetwork: 'refuse' | 'warn'
}

/** @throws StoreError when the cluster cannot be asked */
export async function validatePoolWrite(
  object: KubeObject,
  oldObject: KubeObject | undefined,
  view: ClusterView,
  rules: PoolRules,
): Promise<Verdict> {
  const shape = ipPoolSchema.safeParse(object, { reportInput: true })
  if (!shape.success) return verdictOf(shapeProblems(shape.error))
  const pool = shape.data
  const old = ipPoolSchema.safeParse(oldObject).data
  const next = parsePoolConfiguration(pool)
  const before = old === undefined ? undefined : parsePoolConfiguration(old)
  const { added, kept } = newProblems(ownProblems(pool), old === undefined ? [] : ownProblems(old))
  const warnings = kept.map(({ path, message }) => `${path}: ${message}`)
  if (!next.ok || added.length > 0) return verdictOf(added, warnings)

  const { configuration } = next
  const previous = before?.ok ? before.configuration : undefined
  const network = await networkVerdict(pool, configuration, previous, view, rules)
  const clashes = [
    ...network.problems,
    ...(await serviceProblems(configuration, previous, view)),
    ...(await heldProblems(configuration, previous, old, view)),
  ]
  return verdictOf(clashes, [...warnings, ...network.warnings, ...valueWarnings(configuration)])
}

/** @throws StoreError when the cluster cannot be asked */
export async function validatePoolDeletion(object: KubeObject, view: ClusterView): Promise<Verdict> {
  const pool = ipPoolSchema.safeParse(object).data
  // What nobody can read serves nobody.
  if (pool === undefined || pool.metadata.deletionTimestamp !== undefined) return allowed()
  const [pools, configs, terminating] = await Promise.all([
    view.pools(),
    view.configs(),
    view.namespaceTerminating(keyOf(pool).namespace),
  ])
  const why = whyNotDeletable(pool, pools, configs, terminating)
  return why === undefined ? allowed() : { allowed: false, reason: 'Forbidden', message: why }
}

/** What can be known from the object alone. */
function ownProblems(pool: IPPool): readonly FieldProblem[] {
  const parsed = parsePoolConfiguration(pool)
  const problems = parsed.ok ? valueProblems(parsed.configuration) : parsed.problems
  const name = poolNameProblem(pool.metadata.name)
  return name === undefined ? problems : [name, ...problems]
}

async function networkVerdict(
  pool: IPPool,
  { network }: PoolConfiguration,
  before: PoolConfiguration | undefined,
  view: ClusterView,
  { missingNetwork }: PoolRules,
): Promise<{ problems: readonly FieldProblem[]; warnings: readonly string[] }> {
  if (before !== undefined && sameObjectKey(network, before.network)) return { problems: [], warnings: [] }
  const [pools, exists] = await Promise.all([view.pools(), view.networkExists(network)])
  const problems = onePoolPerNetwork(keyOf(pool), network, pools)
  if (exists) return { problems, warnings: [] }
  const path = 'spec.networkName'
  const message = `there is no NetworkAttachmentDefinition ${formatObjectKey(network)}; create the VM Network first, or correct the name`
  return missingNetwork === 'refuse'
    ? { problems: [...problems, { path, message }], warnings: [] }
    : { problems, warnings: [`${path}: ${message}`] }
}

async function serviceProblems(
  { subnet }: PoolConfiguration,
  before: PoolConfiguration | undefined,
  view: ClusterView,
): Promise<readonly FieldProblem[]> {
  if (isDeepStrictEqual(subnet, before?.subnet)) return []
  return serviceOverlap(subnet, await view.serviceRanges())
}

async function heldProblems(
  next: PoolConfiguration,
  before: PoolConfiguration | undefined,
  old: IPPool | undefined,
  view: ClusterView,
): Promise<readonly FieldProblem[]> {
  const [pools, configs] = await Promise.all([view.pools(), view.configs()])
  return [
    ...(old === undefined ? [] : takenFromHolders(old, next, configs)),
    ...ownAddressesHeld(next, before, pools, configs),
  ]
}
