// What the pages add where JavaScript runs: copying, times that stay true, rows that can be added, and the live mark.
// Everything works without it; htmx does the rest.
;(() => {
  const UNITS = [
    [60, 1, 's'],
    [3600, 60, 'min'],
    [86400, 3600, 'h'],
    [Infinity, 86400, 'd'],
  ]

  function relative(at, nowMs) {
    const seconds = Math.round((nowMs - at) / 1000)
    const span = Math.abs(seconds)
    if (span < 5) return 'now'
    const [, divisor, unit] = UNITS.find(([limit]) => span < limit)
    const amount = `${Math.floor(span / divisor)} ${unit}`
    return seconds >= 0 ? `${amount} ago` : `in ${amount}`
  }

  function refreshTimes() {
    const nowMs = Date.now()
    for (const element of document.querySelectorAll('time[data-relative]')) {
      const text = relative(Date.parse(element.dateTime), nowMs)
      if (element.textContent !== text) element.textContent = text
    }
  }

  // On small screens cells stand below each other, each with the head of its column.
  function labelCells() {
    for (const table of document.querySelectorAll('.scroll > table')) {
      const heads = [...table.querySelectorAll('thead th')].map((head) =>
        head.querySelector('.sr') === null ? head.textContent : '',
      )
      for (const row of table.querySelectorAll('tbody tr')) {
        for (const [index, cell] of [...row.cells].entries()) {
          cell.dataset.label = heads[index] ?? ''
          cell.toggleAttribute('data-empty', cell.textContent.trim() === '—')
        }
      }
    }
  }

  async function copy(button) {
    const source = document.getElementById(button.dataset.copy)
    if (source === null) return
    await navigator.clipboard.writeText(source.textContent.trim())
    const label = button.textContent
    button.textContent = 'Copied'
    setTimeout(() => (button.textContent = label), 1500)
  }

  function addRow(button) {
    const list = document.getElementById(button.dataset.add)
    const row = list?.lastElementChild?.cloneNode(true)
    if (!row) return
    for (const field of row.querySelectorAll('input, select')) field.value = ''
    for (const error of row.querySelectorAll('.field-error')) error.remove()
    list.append(row)
    row.querySelector('input, select')?.focus()
  }

  function removeRow(button) {
    const row = button.closest('[data-row]')
    if (row?.parentElement?.children.length > 1) row.remove()
    else for (const field of row.querySelectorAll('input, select')) field.value = ''
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest('button')
    if (button === null) return
    if (button.dataset.copy) void copy(button)
    if (button.dataset.add) addRow(button)
    if (button.dataset.remove !== undefined) removeRow(button)
  })

  function mark(state) {
    document.documentElement.dataset.live = state
  }

  document.addEventListener('htmx:sse:after:connection', () => mark('on'))
  document.addEventListener('htmx:sse:error', () => mark('off'))
  document.addEventListener('htmx:after:swap', () => {
    refreshTimes()
    labelCells()
  })
  document.addEventListener('change', (event) => {
    if (event.target.matches('[data-submit]')) event.target.form?.requestSubmit()
  })
  document.documentElement.dataset.script = 'on'
  labelCells()
  setInterval(refreshTimes, 5000)
})()
