import { isDeepStrictEqual } from 'node:util'
import type { FieldProblem } from '../api/field-problem.ts'
import type { KubeObject } from '../api/object.ts'
import { formatObjectKey, type ObjectKey } from '../api/values/object-key.ts'
import { type VmNetworkConfig, vmNetworkConfigSchema } from '../api/vm-network-config.ts'
import { keyOf } from '../kube/object-cache.ts'
import type { ClusterView } from './cluster-view.ts'
import { contestedMacs, macProblems, repeatedMacs } from './rules/mac-addresses.ts'
import { pinVerdicts } from './rules/pinned-addresses.ts'
import { type Wish, wishesOf } from './rules/wishes.ts'
import { shapeProblems, type Verdict, verdictOf } from './verdict.ts'

/**
 * Entries that were there before are left in peace: only what an edit adds or changes is checked.
 * @throws StoreError when the cluster cannot be asked
 */
export async function validateConfigWrite(
  object: KubeObject,
  oldObject: KubeObject | undefined,
  view: ClusterView,
): Promise<Verdict> {
  const shape = vmNetworkConfigSchema.safeParse(object, { reportInput: true })
  if (!shape.success) return verdictOf(shapeProblems(shape.error))
  const config = shape.data
  const old = vmNetworkConfigSchema.safeParse(oldObject).data
  const wishes = wishesOf(config)
  const fresh = freshWishes(config, old, wishes)
  const own = [
    ...(hasBothSpellings(config) && !(old !== undefined && hasBothSpellings(old)) ? [BOTH_SPELLINGS] : []),
    ...macProblems(fresh),
    ...repeatedMacs(wishes, new Set(fresh)),
    ...nameProblems(fresh),
  ]
  // A paused object asks for nothing yet; it is checked when it does.
  if (own.length > 0 || config.spec.paused) return verdictOf(own)

  const self = keyOf(config)
  const [pools, configs] = fresh.length === 0 ? [[], []] : await Promise.all([view.pools(), view.configs()])
  const pins = pinVerdicts(self, fresh, wishes, pools, configs)
  const problems = [...contestedMacs(self, fresh, configs), ...pins.flatMap((pin) => pin.problems)]
  const warnings = [
    ...pins.flatMap((pin) => pin.warnings),
    ...(await networkWarnings(fresh, view)),
    ...(await vmWarnings(config, old, view)),
  ]
  return verdictOf(problems, warnings)
}

const BOTH_SPELLINGS: FieldProblem = {
  path: 'spec.networkConfigs',
  message: 'spec.networkConfig is filled too, and only one of the two counts; write all entries in one',
}

function freshWishes(
  config: VmNetworkConfig,
  old: VmNetworkConfig | undefined,
  wishes: readonly Wish[],
): readonly Wish[] {
  // What was paused asked for nothing: all of it is asked for now.
  if (old === undefined || (old.spec.paused && !config.spec.paused)) return wishes
  const known = wishesOf(old)
  return wishes.filter((wish) => !known.some((earlier) => isSameWish(earlier, wish)))
}

/** Other ways to write the same are no change. */
function isSameWish(a: Wish, b: Wish): boolean {
  if (isDeepStrictEqual(a.written, b.written)) return true
  return (
    a.mac !== undefined &&
    a.mac === b.mac &&
    a.network !== undefined &&
    isDeepStrictEqual(a.network, b.network) &&
    a.pin === b.pin &&
    !a.written.ipAddress === !b.written.ipAddress
  )
}

function hasBothSpellings({ spec }: VmNetworkConfig): boolean {
  return (spec.networkConfig ?? []).length > 0 && (spec.networkConfigs ?? []).length > 0
}

function nameProblems(wishes: readonly Wish[]): readonly FieldProblem[] {
  return wishes.flatMap(({ path, network, written }) => {
    if (network !== undefined) return []
    const message = `"${written.networkName}" is not a namespaced name such as default/net-48`
    return [{ path: `${path}.networkName`, message }]
  })
}

/**
 * Not a refusal: what is applied together with its network may arrive before it, and a VM on a network that nobody
 * manages is normal.
 */
async function networkWarnings(wishes: readonly Wish[], view: ClusterView): Promise<readonly string[]> {
  const networks = new Map<string, { key: ObjectKey; path: string }>()
  for (const { network, path } of wishes) {
    if (network !== undefined) networks.set(formatObjectKey(network), { key: network, path })
  }
  const answers = await Promise.all(
    [...networks].map(async ([name, { key, path }]) =>
      (await view.networkExists(key))
        ? []
        : [
            `${path}.networkName: there is no NetworkAttachmentDefinition ${name}; no address is given out before there is`,
          ],
    ),
  )
  return answers.flat()
}

async function vmWarnings(
  config: VmNetworkConfig,
  old: VmNetworkConfig | undefined,
  view: ClusterView,
): Promise<readonly string[]> {
  const { vmName } = config.spec
  if (!vmName || vmName === old?.spec.vmName) return []
  const key = { namespace: keyOf(config).namespace, name: vmName }
  return (await view.vmExists(key)) === false
    ? [
        `spec.vmName: there is no VirtualMachine ${formatObjectKey(key)}; the addresses are kept for its MAC addresses all the same`,
      ]
    : []
}
