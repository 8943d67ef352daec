# Runs PSScriptAnalyzer over the files that -ListFile names, one a line, and leaves the counts in -ResultFile:
# a line "counts PASSED FAILED SKIPPED", then "failed NAME" for each file with a finding.
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $ListFile,
    [Parameter(Mandatory)] [string] $Settings,
    [Parameter(Mandatory)] [string] $ResultFile
)
$ErrorActionPreference = 'Stop'
Import-Module PSScriptAnalyzer

$passed = 0
$lines = foreach ($file in Get-Content -LiteralPath $ListFile | Where-Object { $_ }) {
    $findings = $null
    # The analyzer's own races show now and then as a NullReferenceException; a real one comes again.
    foreach ($try in 1..3) {
        try {
            $findings = @(Invoke-ScriptAnalyzer -Path $file -Settings $Settings)
            break
        }
        catch {
            if ($try -eq 3) { throw }
        }
    }
    if ($findings.Count -eq 0) {
        $passed++
        continue
    }
    foreach ($finding in $findings) {
        $place = '{0}:{1}:{2}' -f $file, $finding.Line, $finding.Column
        Write-Host ('{0}: {1} {2}: {3}' -f $place, $finding.Severity, $finding.RuleName, $finding.Message)
    }
    'failed PSScriptAnalyzer: {0}: {1} finding(s)' -f $file, $findings.Count
}
$lines = @($lines)
Write-Host ('{0} file(s) clean, {1} with findings' -f $passed, $lines.Count)
@('counts {0} {1} 0' -f $passed, $lines.Count) + $lines | Set-Content -LiteralPath $ResultFile -Encoding ascii
