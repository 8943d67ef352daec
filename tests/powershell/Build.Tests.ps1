#Requires -Modules Pester
# build.ps1, which finds cargo and hands over, with a program of ours for cargo; and the scripts for Windows in contrib.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $build = (Resolve-Path "$PSScriptRoot/../../build.ps1").Path
    $folder = Join-Path ([System.IO.Path]::GetTempPath()) ('umpin test ' + [guid]::NewGuid().ToString('N'))
    $null = New-Item -ItemType Directory -Path $folder
    $usual = $env:PATH
    $shell = Get-OwnShell
}

AfterAll {
    $env:PATH = $usual
    Remove-Item -Recurse -Force -LiteralPath $folder
}

Describe 'build.ps1' {
    It 'says what is missing where there is no cargo' {
        $env:PATH, $name = $folder, $(if ($env:OS -eq 'Windows_NT') { 'USERPROFILE' } else { 'HOME' })
        $profileFolder = [Environment]::GetEnvironmentVariable($name)
        try {
            [Environment]::SetEnvironmentVariable($name, $folder)
            $lines = & $shell -NoProfile -NonInteractive -File $build test 2>&1 | ForEach-Object { "$_" }
        }
        finally {
            [Environment]::SetEnvironmentVariable($name, $profileFolder)
            $env:PATH = $usual
        }
        $LASTEXITCODE | Should -Be 1
        "$lines" | Should -Match 'cargo is missing'
    }

    It 'hands every word over, and the exit code back' {
        if ($env:OS -eq 'Windows_NT') {
            Set-Content -LiteralPath "$folder/cargo.cmd" '@echo %*>"%~dp0told"', '@exit /b 7' -Encoding ascii
        }
        else {
            Set-Content -LiteralPath "$folder/cargo" '#!/bin/sh', 'echo "$@" >"${0%/*}/told"', 'exit 7'
            chmod +x "$folder/cargo"
        }
        $env:PATH = $folder + [System.IO.Path]::PathSeparator + $usual
        try { $null = & $shell -NoProfile -NonInteractive -File $build test c -Strict 2>&1 }
        finally { $env:PATH = $usual }
        $LASTEXITCODE | Should -Be 7
        $told = (Get-Content -Raw -LiteralPath "$folder/told").Trim()
        $told | Should -Match 'run --quiet --manifest-path .*Cargo\.toml.* --target-dir .*xtask.* -- test c -Strict$'
    }
}

Describe 'contrib/windows/Register-UmpinDeliver.ps1' {
    It 'takes no path that depends on the folder or the drive one is in: <_>' -ForEach @(
        'umpin.exe', '.\umpin.exe', 'C:umpin.exe', '\umpin.exe', '/umpin.exe'
    ) {
        $register = (Resolve-Path "$PSScriptRoot/../../contrib/windows/Register-UmpinDeliver.ps1").Path
        { & $register -Program $_ -WhatIf } | Should -Throw '*is no full path*'
        { & $register -Program 'C:\none\umpin.exe' -Store $_ -WhatIf } | Should -Throw '*is no full path*'
        { & $register -Program 'C:\none\umpin.exe' -KeyFile 'D:\umpin.key' -WhatIf } | Should -Throw '*no program*'
    }
}
