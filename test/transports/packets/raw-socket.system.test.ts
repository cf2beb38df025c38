import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { formatIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import { createNamespace, type NetworkNamespace } from '../../../src/lab/namespace.ts'
import { connect } from '../../../src/lab/network.ts'
import {
  bytes,
  CLIENT_ADDRESS,
  type ContractPeer,
  packetTransportContract,
  SERVER_ADDRESS,
  toClient,
  toServer,
} from './contract.ts'
import { HostedTransport } from './hosted-transport.ts'

packetTransportContract('raw socket on a veth pair', async ({ clientHasAddress }) => {
  const cable = await Cable.lay()
  if (!clientHasAddress) await cable.client.exec('ip', ['address', 'flush', 'dev', 'eth0'])
  const server = await cable.openServer()
  const client = await cable.openClient()
  return { server: peer(server), client: peer(client), close: () => cable.close() }
})

describe('a raw-socket transport on real interfaces', () => {
  let cable: Cable
  beforeEach(async () => {
    cable = await Cable.lay()
  })
  afterEach(() => cable.close())

  test('IP and UDP checksums are right on the wire, broadcast and unicast', async () => {
    const server = await cable.openServer()
    const capture = cable.client.spawnPiped('tcpdump', '-i eth0 -n -vv -l -c 4 udp dst port 68'.split(' '))
    let output = ''
    capture.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    await new Promise<void>((resolve, reject) => {
      capture.stderr.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('listening on')) resolve()
        else if (text.includes('failed to execute'))
          reject(new Error('tcpdump is not installed: apt-get install tcpdump'))
      })
    })
    for (const size of [300, 301]) {
      server.send(toClient({ payload: bytes(size) }))
      server.send(toClient({ destinationAddress: CLIENT_ADDRESS, payload: bytes(size) }))
    }
    await new Promise((resolve) => capture.once('close', resolve))
    expect(output.match(/\[udp sum ok\]/g)).toHaveLength(4)
    expect(output).not.toMatch(/bad (udp )?cksum/)
  })

  test('another interface of the same host is neither heard nor sent on', async () => {
    await cable.addPair('eth1')
    const server = await cable.openServer()
    const client = await cable.openClient()
    const stranger = await HostedTransport.open(cable.client, { interfaceName: 'eth1', port: 68 })
    stranger.send(toServer({ payload: bytes(11) }))
    stranger.send(
      toServer({ sourceAddress: CLIENT_ADDRESS, destinationAddress: SERVER_ADDRESS, payload: bytes(12) }),
    )
    await stranger.counters()
    client.send(toServer({ payload: bytes(20) }))
    await server.until(() => server.received.length > 0)
    server.send(toClient({ payload: bytes(30) }))
    await client.until(() => client.received.length > 0)
    expect(server.received.map((datagram) => datagram.payload.length)).toEqual([20])
    expect((await stranger.counters()).counters.received).toBe(0)
  })

  test('what arrives on another interface while the socket opens is not reported', async () => {
    await cable.addPair('eth1')
    const stranger = await HostedTransport.open(cable.client, { interfaceName: 'eth1', port: 68 })
    for (let round = 0; round < 5; round++) {
      stranger.sendMany(toServer({ payload: bytes(11) }), 40_000)
      const server = await cable.openServer()
      await stranger.counters()
      expect((await server.counters()).counters.received).toBe(0)
      await server.close()
    }
  })

  test('an interface that is deleted and made again is heard and sent on again', async () => {
    const server = await cable.openServer()
    await cable.server.exec('ip', ['link', 'delete', 'eth0'])
    await server.until(() => server.logLines.some((line) => line.includes('interface is gone')))
    await cable.addPair('eth0')
    await server.until(() => server.logLines.some((line) => line.includes('interface is back')))
    const client = await cable.openClient()
    client.send(toServer({ payload: bytes(5) }))
    await server.until(() => server.received.length > 0)
    server.send(toClient({ payload: bytes(6) }))
    await client.until(() => client.received.length > 0)
    expect((await server.counters()).counters.rebinds).toBe(1)
  })

  test('an interface that goes down and up is heard again', async () => {
    const server = await cable.openServer()
    const client = await cable.openClient()
    await cable.server.exec('ip', ['link', 'set', 'eth0', 'down'])
    client.send(toServer({ payload: bytes(5) }))
    await client.counters()
    await cable.server.exec('ip', ['link', 'set', 'eth0', 'up'])
    // The kernel takes a moment to let the other end send again; until then it drops what is sent.
    while (server.received.length === 0) {
      client.send(toServer({ payload: bytes(6) }))
      await wait(100)
    }
    expect(server.received[0]?.payload).toHaveLength(6)
  })

  test('the socket is not garbage-collected', async () => {
    const server = await cable.openServer()
    const client = await cable.openClient()
    for (let round = 1; round <= 5; round++) {
      await server.collectGarbage()
      client.send(toServer({ payload: bytes(5) }))
      await server.until(() => server.received.length === round)
    }
  })

  test('a burst of 5,000 datagrams that comes while the process is busy is heard whole', async () => {
    const server = await cable.openServer()
    const client = await cable.openClient()
    server.tell({ type: 'quiet' })
    server.tell({ type: 'block', milliseconds: 1000 })
    client.sendMany(toServer({ payload: bytes(300) }), 5000)
    expect((await client.counters()).counters.sent).toBe(5000)
    while ((await server.counters()).received < 5000) await wait(20)
  })

  test('unicast to the server address is not answered with ICMP port unreachable', async () => {
    const server = await cable.openServer()
    expect(await cable.sendConnected()).toBe('no error')
    await server.close()
    expect(await cable.sendConnected()).toBe('ECONNREFUSED')
  })

  test('the sink is bound once the server address appears on the interface', async () => {
    await cable.server.exec('ip', ['address', 'flush', 'dev', 'eth0'])
    const server = await cable.openServer()
    await server.until(() => server.logLines.some((line) => line.includes('cannot bind the UDP sink')))
    await cable.server.exec('ip', [
      'address',
      'add',
      `${formatIPv4Address(SERVER_ADDRESS)}/24`,
      'dev',
      'eth0',
    ])
    await server.until(() => server.logLines.some((line) => line.includes('UDP sink bound')))
    expect(await cable.sendConnected()).toBe('no error')
  })

  test('a missing interface is refused with the list of those that there are', async () => {
    await expect(
      HostedTransport.open(cable.server, { interfaceName: 'eth9', port: 67 }),
    ).rejects.toMatchObject({
      errorName: 'InterfaceNotFoundError',
      message: expect.stringMatching(/no network interface "eth9"; there are: .*eth0/),
    })
  })

  test.each(['', 'a-name-longer-than-15-characters'])(
    'the interface name "%s" is refused',
    async (interfaceName) => {
      await expect(HostedTransport.open(cable.server, { interfaceName, port: 67 })).rejects.toMatchObject({
        errorName: 'InterfaceNotFoundError',
      })
    },
  )

  test('without CAP_NET_RAW the error says how to get it', async () => {
    await expect(
      HostedTransport.open(cable.server, { interfaceName: 'eth0', port: 67, withoutRights: true }),
    ).rejects.toMatchObject({ errorName: 'PacketPermissionError' })
  })
})

/** A server and a client namespace with a cable between them. */
class Cable {
  readonly server: NetworkNamespace
  readonly client: NetworkNamespace

  private constructor(server: NetworkNamespace, client: NetworkNamespace) {
    this.server = server
    this.client = client
  }

  static async lay(): Promise<Cable> {
    const cable = new Cable(await createNamespace('server'), await createNamespace('client'))
    await cable.addPair('eth0')
    return cable
  }

  async addPair(interfaceName: string): Promise<void> {
    await connect({ namespace: this.server, interfaceName }, { namespace: this.client, interfaceName })
    if (interfaceName !== 'eth0') return
    for (const [namespace, address] of [
      [this.server, SERVER_ADDRESS],
      [this.client, CLIENT_ADDRESS],
    ] as const) {
      await namespace.exec('ip', ['address', 'add', `${formatIPv4Address(address)}/24`, 'dev', interfaceName])
    }
  }

  openServer(): Promise<HostedTransport> {
    return HostedTransport.open(this.server, {
      interfaceName: 'eth0',
      port: 67,
      sinkAddress: SERVER_ADDRESS,
    })
  }

  openClient(): Promise<HostedTransport> {
    return HostedTransport.open(this.client, { interfaceName: 'eth0', port: 68 })
  }

  /** What an ordinary client socket hears back from the server's kernel. */
  async sendConnected(): Promise<string> {
    const program = `
      const socket = require('node:dgram').createSocket('udp4')
      const end = (text) => { process.stdout.write(text, () => process.exit()) }
      socket.on('error', (error) => end(error.code))
      socket.connect(67, '${formatIPv4Address(SERVER_ADDRESS)}', () => {
        socket.send('renew')
        // A look at the socket comes between the two, however late the first is.
        setTimeout(() => setImmediate(() => end('no error')), 300)
      })`
    return (await this.client.exec(process.execPath, ['-e', program])).stdout.trim()
  }

  async close(): Promise<void> {
    await Promise.all([this.server.close(), this.client.close()])
  }
}

function peer(hosted: HostedTransport): ContractPeer {
  return {
    transport: hosted,
    received: hosted.received,
    untilReceived: (count) => hosted.until(() => hosted.received.length >= count),
    counters: async () => (await hosted.counters()).counters,
    throwOnce: () => hosted.tell({ type: 'throw-once' }),
  }
}
