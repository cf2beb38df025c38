import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import * as z from 'zod'
import type { AgentDeployment } from '../../../../actors/pool/agent-pods.ts'
import { conditionSchema } from '../../../api/condition.ts'
import { type IPPool, ipPoolSchema } from '../../../api/ippool.ts'
import { type KubeObject, kubeObjectSchema } from '../../../api/object.ts'
import { ifReadable, readableList } from '../../../api/readable-fields.ts'
import { DEPLOYMENTS, IP_POOLS, PODS } from '../../../api/resource.ts'
import { formatObjectKey, type ObjectKey, parseObjectKey } from '../../../api/values/object-key.ts'
import { minutes } from '../../../api/values/time.ts'
import { AlreadyExistsError, ConflictError, NotFoundError, ThrottledError } from '../../../kube/errors.ts'
import type { EventRecorder } from '../../../kube/event-recorder.ts'
import { createInformer, type Informer } from '../../../kube/informer.ts'
import { keyOf } from '../../../kube/object-cache.ts'
import type { Store } from '../../../kube/store.ts'
import { createWorkQueue, type WorkResult } from '../../../kube/work-queue.ts'
import type { Readiness } from '../../../observe/health.ts'
import type { Clock } from '../../../runtime/clock.ts'
import type { Random } from '../../../runtime/random.ts'
import { POOLS_BY_NETWORK, readNetwork } from '../informers.ts'
import { type AgentAction, decideAgent } from './decide.ts'
import { type AgentSettings, type Deployment, deploymentSchema } from './deployment.ts'
import { AGENT_SELECTOR, poolOf } from './names.ts'
import { agentDeploymentView } from './pods.ts'
import { createAgentWriter, type Note } from './writer.ts'

export interface AgentReconcilerOptions extends AgentSettings {
  store: Store
  recorder: Pick<EventRecorder, 'record'>
  clock: Clock
  random: Random
  log: Logger
  /** Of every IPPool, with the index `POOLS_BY_NETWORK`, and of every network; whoever made them starts and stops them. */
  pools: Pick<Informer, 'get' | 'list' | 'byIndex' | 'whenSynced'>
  networks: Pick<Informer, 'get' | 'whenSynced'>
  /** What `deploymentOf` says of a pool changed. */
  changed: (pool: ObjectKey) => void
}

export interface AgentReconciler {
  /** To be told of every change of an IPPool, also of its end. */
  poolChanged(pool: ObjectKey): void
  networkChanged(network: ObjectKey): void
  /** What the cluster does about a pool's agent; undefined before the first look. */
  deploymentOf(pool: ObjectKey): AgentDeployment | undefined
  ready(): Readiness
  stop(): Promise<void>
}

const BY_POOL = 'pool'
/** Whatever the watches miss. */
const LOOK_AGAIN = minutes(10)

/**
 * One Deployment for each IPPool, in the system namespace. Level-triggered: whatever happened, each look makes one step
 * towards what should be there, and every write is a compare-and-set. Run it while leading only: two of them would do
 * no harm, and everything twice.
 */
export function startAgentReconciler(options: AgentReconcilerOptions): AgentReconciler {
  const { store, recorder, clock, random, namespace, pools, networks } = options
  const log = options.log.child({ part: 'agents' })
  const parts = { store, clock, random, log }
  // Every Deployment of the namespace: a name may be taken by one that has nothing to do with us.
  const deployments = createInformer({ ...parts, resource: DEPLOYMENTS, scope: { namespace } })
  const pods = createInformer({
    ...parts,
    resource: PODS,
    scope: { namespace, labelSelector: AGENT_SELECTOR },
  })
  const writer = createAgentWriter(store, note)
  const queue = createWorkQueue({ process: reconcile, clock, random, log })
  const problems = new Map<string, NonNullable<AgentDeployment['problem']>>()
  const told = new Map<string, AgentDeployment>()
  const held = new Set<string>()
  let isStarted = false
  let isStopped = false

  for (const informer of [deployments, pods]) {
    informer.addIndex(BY_POOL, (object) => {
      const pool = poolOf(object)
      return pool === undefined ? [] : [formatObjectKey(pool)]
    })
  }

  deployments.onChange((_key, object, previous) => {
    if (object === undefined && previous?.metadata.uid !== undefined) writer.forget(previous.metadata.uid)
    for (const each of [object, previous]) look(each && poolOf(each))
    // A name that somebody waits for may have come free.
    if (object === undefined) for (const name of problems.keys()) look(parseObjectKey(name))
  })
  pods.onChange((_key, object, previous) => {
    for (const each of [object, previous]) {
      const pool = each && poolOf(each)
      if (pool !== undefined) tell(formatObjectKey(pool))
    }
  })

  function look(pool: ObjectKey | undefined): void {
    if (isStarted && pool !== undefined) queue.add(formatObjectKey(pool))
  }

  async function reconcile(name: string): Promise<WorkResult> {
    const key = parseObjectKey(name)
    const object = pools.get(key)
    const pool = readPool(object)
    // An object that makes no sense is no reason to take an agent away.
    if (pool === undefined && object !== undefined) return 'done'
    const action = decideAgent(
      {
        key,
        pool,
        network: networkOf(pool),
        own: ownDeployments(name),
        isTaken: (taken) => deployments.get({ namespace, name: taken }) !== undefined,
        isAsWritten: writer.isAsWritten,
      },
      options,
    )
    const outcome = await attempt(name, action, pool)
    if (outcome === 'raced') return 'again'
    noteProblem(name, pool, outcome ?? problemOf(action))
    noteHeld(name, pool, action)
    tell(name)
    if (outcome !== undefined) return 'again'
    return pool === undefined && action.type === 'none' ? 'done' : { againAfter: LOOK_AGAIN }
  }

  /** @returns what went wrong, for people; `raced` when the watch was a little behind */
  async function attempt(
    name: string,
    action: AgentAction,
    pool: IPPool | undefined,
  ): Promise<Problem | 'raced'> {
    try {
      await writer.carryOut(action, pool)
      return undefined
    } catch (error) {
      if (error instanceof ThrottledError) throw error
      const isRace =
        error instanceof ConflictError ||
        error instanceof AlreadyExistsError ||
        error instanceof NotFoundError
      log[isRace ? 'debug' : 'warn']({ err: error, pool: name }, 'agent not written; trying again')
      if (isRace) return 'raced'
      const why = error instanceof Error ? error.message : String(error)
      return { reason: 'AgentNotDeployed', message: `the agent's Deployment could not be written: ${why}` }
    }
  }

  function note(...[pool, type, reason, message]: Parameters<Note>): void {
    log[type === 'Normal' ? 'info' : 'warn']({ reason, pool: pool && formatObjectKey(keyOf(pool)) }, message)
    if (pool === undefined) return
    const { uid, resourceVersion } = pool.metadata
    recorder.record({ resource: IP_POOLS, ...keyOf(pool), uid, resourceVersion }, { type, reason, message })
  }

  function noteProblem(name: string, pool: IPPool | undefined, problem: Problem): void {
    if (problem === undefined) {
      problems.delete(name)
      return
    }
    if (!isDeepStrictEqual(problems.get(name), problem))
      note(pool, 'Warning', problem.reason, problem.message)
    problems.set(name, problem)
  }

  /** Once when it begins. */
  function noteHeld(name: string, pool: IPPool | undefined, action: AgentAction): void {
    const isHeld = action.type === 'none' && action.held
    if (action.type === 'none' && !isHeld) held.delete(name)
    if (!isHeld || held.has(name)) return
    held.add(name)
    const message = `the agent stays as it is: ${options.image} waits for the annotation to go`
    note(pool, 'Normal', 'AgentImageHeld', message)
  }

  function ownDeployments(name: string): Deployment[] {
    return deployments
      .byIndex(BY_POOL, name)
      .flatMap((object) => deploymentSchema.safeParse(object).data ?? [])
  }

  function networkOf(pool: IPPool | undefined): KubeObject | undefined {
    const network = pool && readNetwork(pool.spec.networkName, pool.metadata.namespace)
    return network === undefined ? undefined : networks.get(parseObjectKey(network))
  }

  function deploymentOf(name: string): AgentDeployment | undefined {
    if (!isStarted) return undefined
    const [deployment] = ownDeployments(name)
    return agentDeploymentView(deployment, pods.byIndex(BY_POOL, name), problems.get(name))
  }

  function tell(name: string): void {
    const now = deploymentOf(name)
    if (now === undefined || isDeepStrictEqual(told.get(name), now)) return
    const isOver =
      now.pods.length === 0 && ownDeployments(name).length === 0 && !pools.get(parseObjectKey(name))
    // Of pools that are gone nothing is remembered, whatever is told of their pods last.
    if (!isOver) told.set(name, now)
    else if (!told.delete(name)) return
    options.changed(parseObjectKey(name))
  }

  deployments.start()
  pods.start()
  void Promise.all([deployments, pods, pools, networks].map((informer) => informer.whenSynced())).then(() => {
    if (isStopped) return
    isStarted = true
    for (const pool of pools.list()) look(keyOf(pool))
    // Also those whose pool went while nobody looked.
    for (const deployment of deployments.list()) look(poolOf(deployment))
  })

  return {
    poolChanged: look,
    networkChanged(network) {
      for (const pool of pools.byIndex(POOLS_BY_NETWORK, formatObjectKey(network))) look(keyOf(pool))
    },
    deploymentOf: (pool) => deploymentOf(formatObjectKey(pool)),
    ready() {
      const reasons = Object.entries({ deployments, pods }).flatMap(([name, informer]) => {
        if (!informer.synced()) return [`${name}: not listed yet`]
        return informer.healthy(clock.now()) ? [] : [`${name}: no word from the API server`]
      })
      return { ok: reasons.length === 0, reasons }
    },
    async stop() {
      isStopped = true
      isStarted = false
      deployments.stop()
      pods.stop()
      await queue.close()
    },
  }
}

type Problem = AgentDeployment['problem']

function problemOf(action: AgentAction): Problem {
  if (action.type !== 'none' || action.problem === undefined) return undefined
  return { reason: action.problem, message: action.why ?? '' }
}

const poolWithoutLeases = kubeObjectSchema.extend({
  status: ifReadable(z.looseObject({ conditions: readableList(conditionSchema) })),
})

/** Every lease that is given changes the object: its long map of addresses is not looked at. */
function readPool(object: KubeObject | undefined): IPPool | undefined {
  const pool = poolWithoutLeases.safeParse(object).data
  if (pool === undefined) return undefined
  return ipPoolSchema.safeParse({ ...pool, status: { conditions: pool.status?.conditions } }).data
}
