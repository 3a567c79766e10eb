// One task with kafkajs: node --input-type=module - TASK ARGUMENTS < kafkajs.mjs, run where the packages are installed.
import kafka from 'kafkajs'
import { decompress } from 'fzstd'

const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = kafka

// kafkajs brings gzip; of zstd, which Copydesk writes, only reading is needed here.
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async () => { throw new Error('not needed') },
  decompress: async data => Buffer.from(decompress(data))
})

const [task, text] = process.argv.slice(2)
const asked = JSON.parse(text)
const client = new Kafka({
  clientId: 'kafkajs', brokers: [asked.bootstrap], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50 }
})

const printable = message => ({
  offset: Number(message.offset),
  key: message.key?.toString() ?? null,
  value: message.value?.toString() ?? null,
  headers: Object.fromEntries(Object.entries(message.headers).map(([key, value]) => [key, value.toString()]))
})

async function produce () {
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const compression = CompressionTypes[asked.codec.toUpperCase()]
  const sent = await producer.send({ topic: asked.topic, acks: -1, compression, messages: asked.messages })
  await producer.disconnect()
  return sent.map(({ partition, baseOffset, errorCode }) => ({ partition, baseOffset: Number(baseOffset), errorCode }))
}

async function consume () {
  const consumer = client.consumer({ groupId: asked.group, sessionTimeout: 6000, heartbeatInterval: 500 })
  await consumer.connect()
  await consumer.subscribe({ topics: [asked.topic], fromBeginning: true })
  const taken = []
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, event => reject(event.payload.error))
    consumer.run({
      autoCommit: false,
      eachMessage: async ({ topic, partition, message }) => {
        if (taken.length >= asked.count) return
        taken.push(printable(message))
        if (taken.length === asked.commit) {
          await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }])
        }
        if (taken.length === asked.count) resolve()
      }
    }).catch(reject)
  })
  await consumer.disconnect()
  return taken
}

async function administer () {
  const admin = client.admin()
  await admin.connect()
  const made = await admin.createTopics({
    topics: [{ topic: asked.topic, numPartitions: 3, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }]
  })
  const { topics } = await admin.fetchTopicMetadata({ topics: [asked.topic] })
  const { groups } = await admin.listGroups()
  const { resources } = await admin.describeConfigs({
    resources: [{ type: 2, name: asked.topic, configNames: ['cleanup.policy'] }]
  })
  const offsets = await admin.fetchTopicOffsets(asked.topic)
  await admin.deleteTopics({ topics: [asked.topic] })
  const left = await admin.listTopics()
  await admin.disconnect()
  return {
    made,
    partitions: topics[0].partitions.length,
    groups: groups.map(group => group.groupId),
    policy: resources[0].configEntries[0].configValue,
    offsets: offsets.length,
    gone: !left.includes(asked.topic)
  }
}

async function deleteRecords () {
  const admin = client.admin()
  await admin.connect()
  await admin.fetchTopicOffsets(asked.topic) // deleteTopicRecords does not load the metadata it needs
  await admin.deleteTopicRecords({ topic: asked.topic, partitions: [{ partition: 0, offset: String(asked.offset) }] })
  const [{ low, high }] = await admin.fetchTopicOffsets(asked.topic)
  await admin.disconnect()
  return { low: Number(low), high: Number(high) }
}

async function transact () {
  const producer = client.producer({ transactionalId: asked.id, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (const end of ['abort', 'commit']) {
    const transaction = await producer.transaction()
    await transaction.send({ topic: asked.topic, acks: -1, messages: [{ value: end }] })
    if (end === 'commit') {
      const partitions = [{ partition: 0, offset: String(asked.offset) }]
      await transaction.sendOffsets({ consumerGroupId: asked.group, topics: [{ topic: asked.topic, partitions }] })
    }
    await transaction[end]()
  }
  await producer.disconnect()
  return 'done'
}

const result = await { produce, consume, administer, deleteRecords, transact }[task]()
process.stdout.write(JSON.stringify(result))
process.exit(0)
