#Requires -Modules Pester
# README.md, CONTRIBUTING.md and docs/*.md: every command typed as printed, in the order of its page, in a PowerShell of
# its own; what the page says that is printed, is. A comment in front of a block, which readers do not see, says when
# one is not: "not run: REASON", or "typed by: TEST". The pages of docs/cmdlets are made from help, whose examples
# Help.Tests.ps1 runs. And: the ids of errors, the links between pages, the picture.
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $root = (Resolve-Path "$PSScriptRoot/../..").Path

    # The blocks of a page: language, text, what the comment in front of it says, line.
    function Get-Block([string] $File) {
        $lines = [System.IO.File]::ReadAllLines("$root/$File")
        for ($i = 0; $i -lt $lines.Count; $i++) {
            if ($lines[$i] -notmatch '^```(\w*)$') { continue }
            $block = @{ File = $File; Line = $i + 1; Language = $Matches[1]; Mark = ''; Text = @() }
            if ($i -and $lines[$i - 1] -match '^<!-- (.*) -->$') { $block.Mark = $Matches[1] }
            for ($i++; $lines[$i] -ne '```'; $i++) { $block.Text += $lines[$i] }
            $block
        }
    }
    $files = @('README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md') +
        (Get-ChildItem "$root/docs" -Filter *.md | ForEach-Object { "docs/$($_.Name)" })
    $blocks = @($files | ForEach-Object { Get-Block $_ })
    $pages = @($blocks | Where-Object { $_.Language -in 'powershell', 'sh' -and -not $_.Mark } |
        Group-Object { $_.File } |
        ForEach-Object {
            $unix = @($_.Group | Where-Object { $_.Language -eq 'sh' -or $_.Text -match '/usr/' })
            @{ File = $_.Name; Blocks = @($_.Group); IsForUnix = $unix.Count -gt 0 }
        })
    $marked = @($blocks | Where-Object { $_.Mark })
    $linked = $files + (Get-ChildItem "$root/docs/cmdlets" -Filter *.md |
        ForEach-Object { "docs/cmdlets/$($_.Name)" }) |
        ForEach-Object { @{ File = $_ } }
}

BeforeAll {
    . $PSScriptRoot/common.ps1
    . $PSScriptRoot/exchange-export.ps1
    $root = (Resolve-Path "$PSScriptRoot/../..").Path

    # What a page takes for granted, in the folder and the store that its commands are typed in.
    $enabled = {
        $asked = @{ Extensions = 51234; PIN = '739182'; PINExpired = $false }
        $null = Enable-UMMailbox tonysmith -UMMailboxPolicy 'Redmond Default Policy' @asked
    }
    $setUp = @{
        'README.md'               = @{ Files = { $null = New-Item -ItemType Directory ./examples;
            Copy-Item ./recipients.csv ./examples } }
        'docs/filters.md'         = @{ Seed = $true; Files = $enabled }
        'docs/import.md'          = @{
            Files = { Copy-Item ./recipients.csv ./people.csv }
            Typed = @'
function Get-ADUser($Filter, $Properties) {
    $mail = "new$($Filter.Length + $Properties.Count)@contoso.com"
    [pscustomobject]@{ ObjectGUID = [guid]::NewGuid(); Name = 'New'; mail = $mail }
}
'@
        }
        'docs/mail.md'            = @{ Files = { Set-Content ./sendmail '#!/bin/sh', 'cat >/dev/null';
            chmod 700 ./sendmail } }
        'docs/migration.md'       = @{ Files = {
                New-ExchangeExport "$folder/ExchangeUM" -People 12 -Others 1
                $null = New-Item -ItemType Directory -Path "$folder/pickup" -Force
            }
        }
        'docs/pbx.md'             = @{ Seed = $true; Files = $enabled }
        'docs/troubleshooting.md' = @{ Seed = $true; Typed = 'Get-UMMailboxPIN nobody -ErrorAction SilentlyContinue' }
    }

    # The commands of a block and, where it has prompts, what is printed after each.
    function Get-Command-Line([hashtable] $Block) {
        $prompts = @($Block.Text | Where-Object { $_ -like 'PS> *' }).Count
        if (-not $prompts) { return @{ Typed = $Block.Text -join "`n"; Shown = $null } }
        $one = $null
        foreach ($line in $Block.Text) {
            if ($line -like 'PS> *') {
                if ($one) { $one }
                $one = @{ Typed = $line.Substring(4); Shown = @() }
            }
            elseif ($one.Typed -match '[`|]$' -and -not $one.Shown) { $one.Typed += "`n$line" }
            elseif ($line.Trim()) { $one.Shown += $line }
        }
        $one
    }
    function Format-Printed([string] $Text) { ($Text -replace '\x1b\[[0-9;]*m' -replace '-{3,}' -replace '\s+',
        ' ').Trim() }
}

Describe '<File>' -ForEach $pages {
    It 'has commands that can be typed as they are printed' -Tag 'they call programs of Unix' `
        -Skip:($env:OS -eq 'Windows_NT' -and $IsForUnix) {
        $needs = $setUp[$File]
        $folder = New-TestStore -Seed:([bool] $needs.Seed)
        $path = $env:PATH
        Push-Location $folder
        try {
            Copy-Item "$root/examples/recipients.csv" .
            if ($needs.Files) { . $needs.Files }
            $env:PATH = "$(Split-Path $env:UMPIN_BIN):$env:PATH"
            # One script for the page. Each command says when it begins; errors are printed as the console prints them.
            $script = [System.Collections.Generic.List[string]]::new()
            $script.Add('if ($PSStyle) { $PSStyle.OutputRendering = "PlainText" }')
            $script.Add('$ProgressPreference = "SilentlyContinue"; $ConfirmPreference = "None"')
            $script.Add("`$env:UMPIN_STORE = '$env:UMPIN_STORE'; `$env:UMPIN_KEY_FILE = '$env:UMPIN_KEY_FILE'")
            $script.Add("Set-Location '$folder'")
            if ($needs.Typed) { $script.Add($needs.Typed) }
            $lines = @(foreach ($block in $Blocks) {
                    foreach ($line in Get-Command-Line $block) {
                        # A spool and a program of the system's, and a folder that is the administrator's to make.
                        $typed = $line.Typed.Replace('/var/spool/umpin',
                            "$folder/pickup").Replace('/usr/sbin/sendmail', "$folder/sendmail")
                        if ($block.Language -eq 'sh') { $typed = "sh -c '$($typed.Replace("'", "''"))';
                            if (`$LASTEXITCODE) { throw `"exit `$LASTEXITCODE`" }" }
                        @{ Typed = $typed; Shown = $line.Shown; Line = $block.Line }
                    }
                })
            for ($i = 0; $i -lt $lines.Count; $i++) {
                $script.Add("'##BEGIN $i'")
                $encoded = [Convert]::ToBase64String([System.Text.Encoding]::UTF8.GetBytes($lines[$i].Typed))
                $script.Add("`$text = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('$encoded'))")
                $script.Add(@'
try {
    . ([scriptblock]::Create($text)) 2>&1 | ForEach-Object {
        if ($_ -isnot [System.Management.Automation.ErrorRecord]) { return $_ }
        "##ERROR"; "$($_.InvocationInfo.MyCommand.Name): $_"
    } | Out-String -Width 160
} catch { "##ERROR"; "$_" }
'@)
            }
            Set-Content ./typed.ps1 ($script -join "`n") -Encoding utf8
            $output = (& (Get-OwnShell) -NoProfile -NonInteractive -File ./typed.ps1 2>&1 |
                ForEach-Object { "$_" }) -join "`n"
            for ($i = 0; $i -lt $lines.Count; $i++) {
                $output | Should -Match "##BEGIN $i\b"
                $printed = ($output -split "##BEGIN $i\b")[1] -split '##BEGIN ' | Select-Object -First 1
                $where = "$File, block at line $($lines[$i].Line): $($lines[$i].Typed)"
                $expected = @($lines[$i].Shown | Where-Object { $_ -match '^\w+-\w+: ' })
                [regex]::Matches($printed, '##ERROR').Count | Should -Be $expected.Count -Because "$where`n$printed"
                foreach ($shown in $lines[$i].Shown) {
                    (Format-Printed $printed).Contains((Format-Printed $shown)) |
                        Should -BeTrue -Because "$where`nprints`n$printed`nand not`n$shown"
                }
            }
            if ($File -eq 'docs/delegation.md') {
                $state = [initialsessionstate]::CreateFromSessionConfigurationFile("$folder/Microsoft.Exchange.pssc",
                    [Func[string, bool]] { $true })
                $runspace = [runspacefactory]::CreateRunspace($state)
                $runspace.Open()
                $shell = [powershell]::Create()
                $shell.Runspace = $runspace
                $shell.AddCommand('Get-Command').Invoke().Name | Should -Contain 'Set-UMMailboxPIN'
                $shell.Dispose()
                $runspace.Dispose()
            }
            if ($File -eq 'docs/windows-and-linux.md') { Test-Path "$folder/helpdesk.pssc" | Should -BeTrue }
            if ($File -eq 'docs/migration.md') { @(Get-ChildItem "$folder/pickup" -Filter *.eml).Count | Should -Be 12 }
        }
        finally {
            $env:PATH = $path
            Pop-Location
            Remove-TestStore $folder
        }
    }
}

Describe 'A block of <File>, line <Line>, that is not typed here' -ForEach $marked {
    It 'says why: <Mark>' {
        $Mark | Should -Match '^(not run|typed by): \S'
        if ($Mark -match '^typed by: (.+)$') {
            # That test reads this very page.
            Get-Content -Raw "$root/$($Matches[1])" | Should -Match ([regex]::Escape((Split-Path -Leaf $File)))
        }
    }
}

Describe 'Blocks' {
    It 'all say what they are, so that no command passes for something else; and few are not typed' -ForEach @(
        @{ All = $blocks }
    ) {
        $known = 'powershell', 'sh', 'text', 'json', 'mermaid', 'ini', 'toml', 'xml', 'nginx', 'apache', 'c'
        foreach ($block in $All) { $block.Language | Should -BeIn $known -Because "$($block.File) line $($block.Line)" }
        # Whoever adds one that cannot be typed here raises this with open eyes.
        @($All | Where-Object { $_.Mark -like 'not run: *' }).Count | Should -BeLessOrEqual 15
        @($All | Where-Object { $_.Mark -like 'typed by: *' }).Count | Should -BeGreaterOrEqual 6
    }
}

Describe 'The links of <File>' -ForEach $linked {
    It 'lead somewhere' {
        $text = [System.IO.File]::ReadAllText("$root/$File")
        foreach ($link in [regex]::Matches($text, '\]\((?!https?:)([^)#]+)(#[^)]*)?\)')) {
            Join-Path (Split-Path "$root/$File") $link.Groups[1].Value | Should -Exist
        }
        $text | Should -Not -Match ([regex]::Escape((Resolve-Path "$PSScriptRoot/../..").Path))
    }
}

Describe 'docs/index.md' {
    It 'leads to every page' {
        $index = Get-Content -Raw "$root/docs/index.md"
        foreach ($page in Get-ChildItem "$root/docs" -Filter *.md | Where-Object Name -NE index.md) { $index |
            Should -Match "\($($page.Name)\)" }
    }
}

Describe 'docs/troubleshooting.md' {
    BeforeAll {
        $page = [System.IO.File]::ReadAllText("$root/docs/troubleshooting.md")
        $entries = @{}
        foreach ($entry in [regex]::Matches($page, '(?ms)^### (\w+)\n\n(.+?)\n\n(.+?)(?=\n\n#|\n*\z)')) {
            $entries[$entry.Groups[1].Value] = @{ Meaning = $entry.Groups[2].Value -replace '\s+', ' ';
                Todo = $entry.Groups[3].Value }
        }
        $source = [System.IO.File]::ReadAllText("$root/src/error.rs")
        $meanings = @{}
        foreach ($status in [regex]::Matches($source, '(?m)((?:^    /// .*\n)+)    (\w+) = (\d+),')) {
            $meaning = ($status.Groups[1].Value -replace '(?m)^    /// ' -replace '\s+', ' ').Trim()
            $meanings[$status.Groups[2].Value] = "$($status.Groups[3].Value): $meaning"
        }
        $ids = @{}
        foreach ($line in [regex]::Matches($source,
            '(?m)^    (\w+) "(\w+)",')) { $ids[$line.Groups[2].Value] = $meanings[$line.Groups[1].Value] }
        # What the cmdlets themselves report.
        $own = Get-ChildItem "$root/powershell" -Recurse -Filter *.cs | Get-Content -Raw |
            ForEach-Object { [regex]::Matches($_, '"([A-Z]\w+Exception)"') } |
            ForEach-Object { $_.Groups[1].Value } | Where-Object { -not $ids.ContainsKey($_) } | Sort-Object -Unique
    }

    It 'has every id that can appear, and none that cannot' {
        $ids.Count | Should -BeGreaterThan 50
        $own | Should -Contain 'NativeLibraryMissingException'
        $entries.Keys | Sort-Object | Should -Be (@($ids.Keys) + $own | Sort-Object)
    }

    It 'says what each means in the words of src/error.rs, and what to do' {
        foreach ($id in $ids.Keys) { $entries[$id].Meaning | Should -BeExactly $ids[$id] -Because $id }
        foreach ($id in $entries.Keys) { $entries[$id].Todo.Length | Should -BeGreaterThan 15 -Because $id }
    }
}

Describe 'docs/session.svg' {
    It 'is what a run shows now' {
        { & "$root/tools/record-session.ps1" -Check -Modules $env:PSModulePath } | Should -Not -Throw
    }
}

Describe 'docs/pictures' {
    It 'shows in its charts what sizes.csv says' {
        { & "$root/tools/draw-sizes.ps1" -Check } | Should -Not -Throw
    }
}
