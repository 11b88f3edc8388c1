/** kafkajs-snappy 1.1.0 brings no types. */
declare module 'kafkajs-snappy' {
  export default function codec(): { decompress(body: Buffer): Promise<Buffer> }
}
