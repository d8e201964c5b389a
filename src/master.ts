import { setPasswordCommand, tokenCommand } from './master/commands/accounts.ts'
import { initCommand } from './master/commands/init.ts'
import { laterCommands } from './master/commands/later.ts'
import { serveCommand } from './master/commands/serve.ts'
import { statusCommand } from './master/commands/status.ts'
import { withMasterData } from './master/data.ts'
import { installRequestCommand } from './master/license/commands/install-request.ts'
import { licenseCommands } from './master/license/commands/license.ts'
import { runAsProcess } from './platform/cli-process.ts'
import { VERSION } from './platform/version.ts'

await runAsProcess({
  name: 'cd-master',
  version: VERSION,
  summary:
    'The master: knows every server and policy, decides what is sent when and which way, and shows it.',
  commands: [
    initCommand,
    installRequestCommand(withMasterData),
    ...licenseCommands(withMasterData),
    tokenCommand,
    setPasswordCommand,
    serveCommand,
    statusCommand,
    ...laterCommands,
  ],
})
