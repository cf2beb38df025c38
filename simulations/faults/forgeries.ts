import {
  type AgentReport,
  type LeaseDelta,
  type Owner,
  type PoolSnapshot,
  poolCommands,
  poolEvents,
} from '../../actors/pool/contracts.ts'
import { commandSubject, eventSubject } from '../../transports/messages/subjects.ts'
import type { Chance } from '../world/chance.ts'
import { spoiled } from './spoiled-text.ts'

/** What a forger knows of the world. */
export interface Scene {
  readonly chance: Chance
  /** Of the IPPool that it forges about. */
  readonly truth: PoolSnapshot
  /** A VirtualMachineNetworkConfig, as it would ask itself. */
  readonly owner: Owner
}

export interface Forgery {
  readonly text: string
  readonly kind: 'event' | 'request'
  /** It is no message at all. */
  readonly isSpoiled: boolean
  readonly subject: string
  readonly body: unknown
}

/** One forgery, by chance; half of them are no messages at all. */
export function forge(scene: Scene): Forgery {
  const forgery = scene.chance.pick(FORGERIES)(scene)
  if (scene.chance.happens(0.5)) return forgery
  const body = garbage(forgery.body, scene.chance)
  return { ...forgery, text: `${forgery.text}, spoiled`, isSpoiled: true, body }
}

/**
 * Nothing that carries all the right numbers: a delta that follows the revision that an agent has, of the right pool, is
 * what a pool says, and who may say it on the broker is decided by the broker's permissions.
 */
const FORGERIES: readonly ((scene: Scene) => Forgery)[] = [
  (scene) => delta(scene, 'of a pool that is not', { uid: 'nobody' }),
  (scene) => delta(scene, 'that skips', { previousRevision: scene.truth.revision + 50 }),
  (scene) => delta(scene, 'from the end of time', { previousRevision: 2 ** 52, revision: 2 ** 53 - 1 }),
  (scene) => delta(scene, 'of long ago', { previousRevision: -2, revision: -1 }),
  (scene) => delta(scene, 'of another spec', { generation: scene.truth.generation + 1 }),
  (scene) => allocate(scene, 'for who is not', { ...scene.owner, name: 'nobody', uid: 'nobody' }),
  (scene) => allocate(scene, 'as another did long ago', { ...scene.owner, generation: 0 }),
  (scene) => release(scene, 'in the name of its owner', scene.owner),
  (scene) => release(scene, 'by a later owner', { ...scene.owner, generation: 1_000 }),
  (scene) => release(scene, 'by who is not', { ...scene.owner, uid: 'nobody' }),
  (scene) => report(scene, 'from the end of time', { revision: 2 ** 53 - 1 }),
  (scene) => report(scene, 'that nobody serves', { serving: false, reason: 'Forged', message: 'forged' }),
  (scene) =>
    report(scene, 'of leases that never were', {
      unknownLeases: [
        { address: anAddress(scene), macAddress: STRANGER, until: '2999-12-31T23:59:59Z' },
        { address: '203.0.113.9', macAddress: STRANGER, until: '2999-12-31T23:59:59Z' },
      ],
    }),
]

const STRANGER = '02:ff:ff:ff:ff:ff'

function delta({ chance, truth }: Scene, how: string, wrong: Partial<LeaseDelta>): Forgery {
  const { uid, revision, generation, leases } = truth
  const body: LeaseDelta = {
    uid,
    previousRevision: revision + 1,
    revision: revision + 100,
    generation,
    leases: Object.fromEntries(
      Object.keys(leases).map((address) => [address, chance.pick([null, STRANGER])]),
    ),
    ...wrong,
  }
  return {
    text: `a delta ${how}`,
    kind: 'event',
    isSpoiled: false,
    subject: eventSubject('pool', truth, 'delta'),
    body: { v: poolEvents.delta.version, type: poolEvents.delta.name, body },
  }
}

function allocate(scene: Scene, how: string, owner: Owner): Forgery {
  const macAddress = scene.chance.pick([STRANGER, aMac(scene)])
  return command(scene, 'allocate', how, { macAddress, owner, hint: anAddress(scene) })
}

function release(scene: Scene, how: string, owner: Owner): Forgery {
  return command(scene, 'release', how, { macAddress: aMac(scene), owner })
}

function report(scene: Scene, how: string, wrong: Partial<AgentReport>): Forgery {
  const { uid, revision } = scene.truth
  const pod = { namespace: 'harvester-system', name: 'forged' }
  return command(scene, 'agentReport', how, { uid, revision, serving: true, pod, ...wrong })
}

function command(
  { truth }: Scene,
  verb: 'allocate' | 'release' | 'agentReport',
  how: string,
  body: unknown,
): Forgery {
  const { name, version } = poolCommands[verb]
  const [, last = name] = name.split('.')
  const subject = commandSubject('pool', truth, last)
  return {
    text: `${last} ${how}`,
    kind: 'request',
    isSpoiled: false,
    subject,
    body: { v: version, type: name, body },
  }
}

function anAddress({ chance, truth }: Scene): string {
  return chance.pick([...Object.keys(truth.leases), '203.0.113.7'])
}

function aMac({ chance, truth }: Scene): string {
  return chance.pick([...Object.values(truth.leases), STRANGER])
}

/** Of JSON, since the forger's own library sends nothing else. */
function garbage(body: unknown, chance: Chance): unknown {
  const text = spoiled(JSON.stringify(body), chance)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
