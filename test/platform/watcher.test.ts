import { watcherSuite } from './watcher.suite.ts'

watcherSuite('kernel')
watcherSuite('parcel')
