# Runs Pester over a folder and leaves the counts in -ResultFile: a line "counts PASSED FAILED SKIPPED",
# then "failed NAME" and "skipped NAME: REASON" lines.
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Path,
    # Without it none is written: Pester asks CIM about the machine for it, which Wine has not.
    [string] $ReportFile,
    [Parameter(Mandatory)] [string] $ResultFile
)
$ErrorActionPreference = 'Stop'
Import-Module Pester -MinimumVersion 5.0

$configuration = New-PesterConfiguration
# Not the folders below: they hold helpers and benchmarks.
$files = Get-ChildItem -Path $Path -Filter '*.Tests.ps1' -File | Sort-Object -Property Name
$configuration.Run.Path = @($files | ForEach-Object FullName)
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Detailed'
$configuration.Output.RenderMode = 'Plaintext'
if ($ReportFile) {
    $configuration.TestResult.Enabled = $true
    $configuration.TestResult.OutputFormat = 'NUnitXml'
    $configuration.TestResult.OutputPath = $ReportFile
}

# A test may set a preference; it must not decide about this script.
$result = Invoke-Pester -Configuration $configuration

function Get-OneLine([object] $Value) { ("$Value" -replace '\s+', ' ').Trim() }

$lines = @(
    foreach ($test in $result.Failed) {
        'failed ' + (Get-OneLine ('{0}: {1}' -f (Split-Path -Leaf $test.ScriptBlock.File), $test.ExpandedPath))
    }
    foreach ($container in $result.FailedContainers) {
        'failed ' + (Get-OneLine ('{0}: {1}' -f $container.Item, ($container.ErrorRecord | Select-Object -First 1)))
    }
    foreach ($test in @($result.Skipped) + @($result.Inconclusive) + @($result.NotRun)) {
        if (-not $test) { continue }
        # What is skipped beforehand (-Skip) has its reason as a tag.
        $tag = @($test.Tag) + @($test.Block.Tag) | Where-Object { $_ } | Select-Object -First 1
        $reason = if ($test.ErrorRecord) { $test.ErrorRecord[0].Exception.Message }
        elseif ($tag) { $tag } else { 'marked -Skip' }
        'skipped ' + (Get-OneLine ('{0}: {1}' -f $test.ExpandedPath, $reason))
    }
)
$failed = $result.FailedCount + $result.FailedContainersCount
if ($failed -eq 0 -and $result.Result -ne 'Passed') {
    $failed = 1
    $lines += 'failed Pester: result {0}' -f $result.Result
}
$skipped = $result.SkippedCount + $result.InconclusiveCount + $result.NotRunCount
@('counts {0} {1} {2}' -f $result.PassedCount, $failed, $skipped) + $lines |
    Set-Content -LiteralPath $ResultFile -Encoding utf8
