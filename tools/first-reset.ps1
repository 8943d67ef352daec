# Types the commands of README.md that lead a new user from the packages to a first reset, as printed, in a PowerShell
# whose profile is empty and whose PATH has no program; there are five at most. For Unix: on Windows the folder of a
# user's modules is not the environment's to say.
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Packages
)
$ErrorActionPreference = 'Stop'
$mark = '<!-- typed by: tools/first-reset.ps1 -->'
$readMe = Get-Content -Raw -LiteralPath "$PSScriptRoot/../README.md"
$block = [regex]::Match($readMe, "(?ms)^$([regex]::Escape($mark))\n``````powershell\n(.+?)^``````$").Groups[1].Value
$commands = @([scriptblock]::Create($block).Ast.EndBlock.Statements)
if ($commands.Count -lt 3 -or $commands.Count -gt 5) { throw "README.md has $($commands.Count) commands:`n$block" }
if ($commands[-1].Extent.Text -notmatch '\bSet-UMMailboxPIN$') { throw "README.md ends without a reset:`n$block" }

$profileFolder = Join-Path ([IO.Path]::GetTempPath()) "umpin-$([guid]::NewGuid())"
try {
    $downloads = (New-Item -ItemType Directory -Path "$profileFolder/Downloads" -Force).FullName
    Copy-Item -Path "$Packages/*.nupkg" -Destination $downloads
    Copy-Item -LiteralPath "$PSScriptRoot/../examples/recipients.csv" -Destination "$downloads/people.csv"
    # What follows the printed commands looks at what they have done.
    $script = @(
        '$ErrorActionPreference = "Stop"; $ProgressPreference = "SilentlyContinue"'
        'if (Get-Command sh -ErrorAction Ignore) { throw "There is more on PATH than nothing." }'
        $commands | ForEach-Object { "`$shown = & { $($_.Extent.Text) } | Out-String" }
        '$module = Get-Module UMMailboxPin'
        'if (-not $module.Path.StartsWith($HOME)) { throw "The module came from $($module.Path)." }'
        '$waiting = @(Get-UMPinOutbox | Where-Object Kind -EQ Reset)'
        'if ($waiting.Count -ne 1) { throw "$($waiting.Count) resets wait to be mailed." }'
        'if (-not (Get-UMMailboxPIN $waiting[0].UserID).PinExpired) { throw "The PIN need not be changed." }'
        '"reset: $($waiting[0].UserID)"'
    ) -join "`n"
    Set-Content -LiteralPath "$profileFolder/typed.ps1" -Value $script -Encoding utf8
    $start = [Diagnostics.ProcessStartInfo]::new((Get-Process -Id $PID).Path)
    foreach ($argument in '-NoProfile', '-NonInteractive', '-File', "$profileFolder/typed.ps1") {
        $start.ArgumentList.Add($argument)
    }
    $start.WorkingDirectory = $downloads
    $start.Environment.Clear()
    $start.Environment['HOME'] = $profileFolder
    $start.Environment['PATH'] = $downloads
    # An administrator's usual place is the machine's.
    $start.Environment['UMPIN_STORE'] = "$profileFolder/store/um.db"
    $start.Environment['UMPIN_KEY_FILE'] = "$profileFolder/store/umpin.key"
    foreach ($name in 'DOTNET_ROOT', 'LANG', 'TMPDIR') {
        if (Test-Path "Env:$name") { $start.Environment[$name] = (Get-Item "Env:$name").Value }
    }
    $start.RedirectStandardOutput = $true
    $process = [Diagnostics.Process]::Start($start)
    $output = $process.StandardOutput.ReadToEnd()
    $process.WaitForExit()
    if ($process.ExitCode -ne 0 -or $output -notmatch '(?m)^reset: tonysmith@') {
        throw "The commands of README.md ended with $($process.ExitCode):`n$output"
    }
    '{0} commands; {1}' -f $commands.Count, $output.Trim()
}
finally {
    Remove-Item -LiteralPath $profileFolder -Recurse -Force
}
