import { isConditionTrue } from '../../src/api/condition.ts'
import { ipPoolSchema } from '../../src/api/ippool.ts'
import { IP_POOLS } from '../../src/api/resource.ts'
import { milliseconds } from '../../src/api/values/time.ts'
import type { Store } from '../../src/kube/store.ts'
import { sleep } from '../../src/runtime/clock.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'

const BENCH_POOL = { namespace: 'default', name: 'bench' }

/** @returns milliseconds until the pool's status says that so many addresses are used */
export async function untilUsed(store: Store, count: number): Promise<number> {
  const begin = performance.now()
  for (;;) {
    const pool = ipPoolSchema.parse(await store.get(IP_POOLS, BENCH_POOL))
    if ((pool.status?.ipv4?.used ?? 0) >= count) return performance.now() - begin
    await sleep(systemClock, milliseconds(50))
  }
}

export async function untilServed(store: Store): Promise<void> {
  for (;;) {
    const pool = ipPoolSchema.parse(await store.get(IP_POOLS, BENCH_POOL))
    if (isConditionTrue(pool.status?.conditions, 'AgentReady')) return
    await sleep(systemClock, milliseconds(50))
  }
}

/** Runs `action` for 0 … count-1, so many at a time. */
export async function concurrently(
  count: number,
  width: number,
  action: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let index = next++; index < count; index = next++) await action(index)
  }
  await Promise.all(Array.from({ length: width }, worker))
}
