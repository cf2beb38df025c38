/** The part of raw-socket 1.8.1 that is used here; the package has no types of its own. */
declare module 'raw-socket' {
  /**
   * The native object behind a Socket. Undocumented, but the only way to read several packets per poll event
   * and to send without two epoll_ctl calls a packet (62 against 35 thousand exchanges a second).
   * After close(), recv() and send() silently make a new, unbound socket: never call them then.
   */
  interface SocketWrap {
    on(event: 'recvReady' | 'sendReady' | 'close', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
    removeAllListeners(event?: string): this
    /** @throws Error with strerror's text, "Resource temporarily unavailable" when nothing waits */
    recv(buffer: Buffer, callback: (buffer: Buffer, bytes: number, source: string) => void): this
    /** @throws Error with strerror's text */
    send(
      buffer: Uint8Array,
      offset: number,
      length: number,
      address: string,
      callback: (bytes: number) => void,
    ): this
    setOption(level: number, option: number, value: number): this
    setOption(level: number, option: number, value: Uint8Array, length: number): this
    /** Returns the length of the value. */
    getOption(level: number, option: number, value: Uint8Array, length: number): number
    close(): this
  }

  interface Socket {
    readonly wrap: SocketWrap
  }

  function createSocket(options: { protocol: number; addressFamily?: number; bufferSize?: number }): Socket

  export { createSocket, type Socket, type SocketWrap }
}
