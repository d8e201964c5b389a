import { initCommand } from './authority/commands/init.ts'
import { issueInstallCommand, issueSiteCommand } from './authority/commands/issue.ts'
import { laterCommands } from './authority/commands/later.ts'
import { registerCommand } from './authority/commands/register.ts'
import {
  listCommand,
  logCommand,
  publicKeyCommand,
  showCommand,
} from './authority/commands/show.ts'
import { runAsProcess } from './platform/cli-process.ts'
import { VERSION } from './platform/version.ts'

await runAsProcess({
  name: 'cd-license',
  version: VERSION,
  summary:
    'The licence authority: registers companies and their sites, and issues the licence files without which a master stays locked.',
  commands: [
    initCommand,
    registerCommand,
    issueSiteCommand,
    issueInstallCommand,
    listCommand,
    showCommand,
    publicKeyCommand,
    logCommand,
    ...laterCommands,
  ],
})
