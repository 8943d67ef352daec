# Makes the cmdlet help from the doc comments in the C# source, so that a parameter's description stands in one place,
# beside the parameter:
#
#   powershell/NAME/en-US/NAME.dll-Help.xml    what Get-Help shows (MAML)
#   powershell/NAME/fr/NAME.dll-Help.xml       the same in French, by powershell/help/fr.po
#   docs/cmdlets/*.md                          a page for each cmdlet
#
# Run it after a build, when a comment has changed:
#
#   pwsh -File tools/build-help.ps1            writes the files. In powershell/help/fr.po it takes out what no comment
#                                              says any more and adds what is new with an empty msgstr, to be filled in
#   pwsh -File tools/build-help.ps1 -Check     writes nothing; fails if a file is out of date or a text has no French
[CmdletBinding()]
param(
    [switch] $Check,

    # Where the built modules and the compiler's documentation files lie.
    [string] $Target = "$PSScriptRoot/../target"
)
$ErrorActionPreference = 'Stop'

$namespaces = @{
    maml    = 'http://schemas.microsoft.com/maml/2004/10'
    command = 'http://schemas.microsoft.com/maml/dev/command/2004/10'
    dev     = 'http://schemas.microsoft.com/maml/dev/2004/10'
}
# What PowerShell itself adds to every cmdlet that can change something.
$standard = @{
    WhatIf  = 'Shows what would be done, after every check, and does nothing.'
    Confirm = 'Asks before anything is done.'
}

function Get-Text($Node) {
    if ($null -eq $Node) { return '' }
    ($Node.InnerText -replace '\s+', ' ').Trim()
}

function Read-Documentation([string] $File) {
    $document = [xml]::new()
    $document.Load($File)
    $members = @{}
    foreach ($member in $document.doc.members.member) { $members[$member.name] = $member }
    $members
}

# ---- Translation ---------------------------------------------------------------------------------------------------

# A catalogue in gettext's form, of which msgid and msgstr are read, over one line or several. The English text is the
# key, so a changed comment has no French until somebody writes one.
function Read-Catalogue([string] $File) {
    $entries = [ordered]@{}
    $texts = @{}
    $of = $null
    foreach ($line in [System.IO.File]::ReadAllLines($File) + 'msgid ""') {
        if ($line -match '^(msgid|msgstr) "(.*)"$') {
            if ($Matches[1] -eq 'msgid' -and $texts['msgid']) { $entries[$texts['msgid']] = $texts['msgstr'] }
            $of = $Matches[1]
            $texts[$of] = ''
        }
        elseif ($line -notmatch '^()"(.*)"$') { continue }
        $texts[$of] += $Matches[2].Replace('\"', '"').Replace('\\', '\')
    }
    $entries
}

function Format-CatalogueText([string] $Key, [string] $Text) {
    $escaped = $Text.Replace('\', '\\').Replace('"', '\"')
    if ($Key.Length + $escaped.Length -le 115) { return "$Key `"$escaped`"" }
    "$Key `"`""
    Split-Line $escaped 112 | ForEach-Object { "`"$_`"" }
}

# Lines of so many characters at most. Put together again they are the text: the blanks stay, at the ends.
function Split-Line([string] $Text, [int] $Most) {
    $line = ''
    foreach ($word in $Text -split '(?<= )') {
        if ($line -and ($line + $word).TrimEnd().Length -gt $Most) {
            $line
            $line = ''
        }
        $line += $word
    }
    $line
}

# The text in the language that is being written. English has no catalogue.
function Get-Translation([string] $Text) {
    if (-not $Text) { return '' }
    $used[$Text] = $true
    if ($catalogue -and $catalogue[$Text]) { $catalogue[$Text] } else { $Text }
}

# ---- MAML ----------------------------------------------------------------------------------------------------------

function Write-Paragraph($Writer, [string] $Text) { $Writer.WriteElementString('para', $namespaces.maml, $Text) }

function Get-DocumentedProperty($Command, $Parameter, $Members) {
    $property = $Command.ImplementingType.GetProperty($Parameter.Name)
    if ($property) { $Members["P:$($property.DeclaringType.FullName).$($Parameter.Name)"] }
}

function Get-ParameterText($Parameter, $Documented) {
    if ($Documented) { Get-Text $Documented.SelectSingleNode('summary') } else { $standard[$Parameter.Name] }
}

# A parameter that is there only to refuse its name is described, and stands in no syntax.
function Test-Hidden($Parameter) { @($Parameter.Attributes |
    Where-Object { $_ -is [Parameter] -and $_.DontShow }).Count -gt 0 }

function Write-Parameter($Writer, $Parameter, [string] $Description, $Set, [string] $Default) {
    $Writer.WriteStartElement('parameter', $namespaces.command)
    $Writer.WriteAttributeString('required', $Set.IsMandatory.ToString().ToLowerInvariant())
    $Writer.WriteAttributeString('variableLength', 'true')
    $Writer.WriteAttributeString('globbing', 'false')
    $pipeline = if ($Set.ValueFromPipeline -and
        $Set.ValueFromPipelineByPropertyName) { 'True (ByValue, ByPropertyName)' }
    elseif ($Set.ValueFromPipeline) { 'True (ByValue)' }
    else { 'False' }
    $Writer.WriteAttributeString('pipelineInput', $pipeline)
    $Writer.WriteAttributeString('position', $(if ($Set.Position -ge 0) { [string] $Set.Position } else { 'named' }))
    $Writer.WriteAttributeString('aliases',
        $(if ($Parameter.Aliases.Count) { $Parameter.Aliases -join ', ' } else { 'none' }))
    $Writer.WriteElementString('name', $namespaces.maml, $Parameter.Name)
    if ($Description) {
        $Writer.WriteStartElement('Description', $namespaces.maml)
        Write-Paragraph $Writer (Get-Translation $Description)
        $Writer.WriteEndElement()
    }
    $isSwitch = $Parameter.ParameterType -eq [switch]
    if (-not $isSwitch) {
        $Writer.WriteStartElement('parameterValue', $namespaces.command)
        $Writer.WriteAttributeString('required', 'true')
        $Writer.WriteAttributeString('variableLength', 'false')
        $Writer.WriteString($Parameter.ParameterType.Name)
        $Writer.WriteEndElement()
    }
    $Writer.WriteStartElement('type', $namespaces.dev)
    $Writer.WriteElementString('name', $namespaces.maml, $Parameter.ParameterType.Name)
    $Writer.WriteElementString('uri', $namespaces.maml, '')
    $Writer.WriteEndElement()
    $Writer.WriteElementString('defaultValue', $namespaces.dev,
        $(if ($Default) { $Default } elseif ($isSwitch) { 'False' } else { 'None' }))
    $Writer.WriteEndElement()
}

function Write-Link($Writer, [string] $Text, [string] $Uri) {
    $Writer.WriteStartElement('navigationLink', $namespaces.maml)
    $Writer.WriteElementString('linkText', $namespaces.maml, $Text)
    $Writer.WriteElementString('uri', $namespaces.maml, $Uri)
    $Writer.WriteEndElement()
}

function Write-Cmdlet($Writer, $Command, $Members) {
    $type = $Command.ImplementingType
    $about = $Members["T:$($type.FullName)"]
    if (-not $about) { throw "$($Command.Name) has no doc comment." }
    $common = [System.Management.Automation.Cmdlet]::CommonParameters
    # In the order of the attribute names, Identity first: reflection promises none.
    $parameters = @($Command.Parameters.Values | Where-Object Name -notin $common |
        Sort-Object { $_.Name -ne 'Identity' }, Name)
    $descriptions = @{}
    $defaults = @{}
    foreach ($parameter in $parameters) {
        $documented = Get-DocumentedProperty $Command $parameter $Members
        $descriptions[$parameter.Name] = Get-ParameterText $parameter $documented
        # What the library takes where the parameter is left out stands in the doc comment's value.
        $defaults[$parameter.Name] = if ($documented) { Get-Text $documented.SelectSingleNode('value') }
        if (-not $descriptions[$parameter.Name]) { throw "$($Command.Name) -$($parameter.Name) has no description." }
    }

    $Writer.WriteStartElement('command', 'command', $namespaces.command)
    $Writer.WriteAttributeString('xmlns', 'maml', $null, $namespaces.maml)
    $Writer.WriteAttributeString('xmlns', 'dev', $null, $namespaces.dev)

    $Writer.WriteStartElement('details', $namespaces.command)
    $Writer.WriteElementString('name', $namespaces.command, $Command.Name)
    $Writer.WriteElementString('verb', $namespaces.command, $Command.Verb)
    $Writer.WriteElementString('noun', $namespaces.command, $Command.Noun)
    $Writer.WriteStartElement('description', $namespaces.maml)
    Write-Paragraph $Writer (Get-Translation (Get-Text $about.SelectSingleNode('summary')))
    $Writer.WriteEndElement()
    $Writer.WriteEndElement()

    $Writer.WriteStartElement('description', $namespaces.maml)
    Write-Paragraph $Writer (Get-Translation (Get-Text $about.SelectSingleNode('remarks')))
    $Writer.WriteEndElement()

    $Writer.WriteStartElement('syntax', $namespaces.command)
    foreach ($set in $Command.ParameterSets) {
        $Writer.WriteStartElement('syntaxItem', $namespaces.command)
        $Writer.WriteElementString('name', $namespaces.maml, $Command.Name)
        foreach ($parameter in $set.Parameters | Where-Object { $_.Name -notin $common -and -not (Test-Hidden $_) } |
            Sort-Object { $_.Position -lt 0 }, Position, { -not $_.IsMandatory }, Name) {
            Write-Parameter $Writer $parameter $null $parameter $defaults[$parameter.Name]
        }
        $Writer.WriteEndElement()
    }
    $Writer.WriteEndElement()

    $Writer.WriteStartElement('parameters', $namespaces.command)
    foreach ($parameter in $parameters) {
        $sets = @($parameter.ParameterSets.GetEnumerator() | Sort-Object { $_.Key -ne $Command.DefaultParameterSet } |
            ForEach-Object Value)
        Write-Parameter $Writer $parameter $descriptions[$parameter.Name] $sets[0] $defaults[$parameter.Name]
    }
    $Writer.WriteEndElement()

    $Writer.WriteStartElement('inputTypes', $namespaces.command)
    $piped = $parameters | Where-Object { $_.ParameterSets.Values | Where-Object ValueFromPipeline }
    foreach ($parameter in $piped) {
        $Writer.WriteStartElement('inputType', $namespaces.command)
        $Writer.WriteStartElement('type', $namespaces.dev)
        $Writer.WriteElementString('name', $namespaces.maml, $parameter.ParameterType.FullName)
        $Writer.WriteEndElement()
        $Writer.WriteEndElement()
    }
    $Writer.WriteEndElement()

    $Writer.WriteStartElement('returnValues', $namespaces.command)
    foreach ($output in $Command.OutputType) {
        $Writer.WriteStartElement('returnValue', $namespaces.command)
        $Writer.WriteStartElement('type', $namespaces.dev)
        $Writer.WriteElementString('name', $namespaces.maml, $output.Name)
        $Writer.WriteEndElement()
        $Writer.WriteEndElement()
    }
    $Writer.WriteEndElement()

    $Writer.WriteStartElement('examples', $namespaces.command)
    $number = 0
    foreach ($example in $about.SelectNodes('example')) {
        $number++
        $Writer.WriteStartElement('example', $namespaces.command)
        $Writer.WriteElementString('title', $namespaces.maml, "$(Get-Translation 'Example') $number")
        $Writer.WriteElementString('code', $namespaces.dev, (Get-Text $example.SelectSingleNode('code')))
        $Writer.WriteStartElement('remarks', $namespaces.dev)
        Write-Paragraph $Writer (Get-Translation (Get-Text $example.SelectSingleNode('para')))
        $Writer.WriteEndElement()
        $Writer.WriteEndElement()
    }
    if ($number -eq 0) { throw "$($Command.Name) has no example." }
    $Writer.WriteEndElement()

    # Microsoft's page first, which Get-Help -Online opens; then what the text names, and what works on the same noun.
    $Writer.WriteStartElement('relatedLinks', $namespaces.maml)
    if ($Command.HelpUri) { Write-Link $Writer (Get-Translation 'Online Version') $Command.HelpUri }
    foreach ($name in Get-RelatedName $Command $about) { Write-Link $Writer $name '' }
    Write-Link $Writer 'about_UMMailboxPin' ''
    $Writer.WriteEndElement()
    $Writer.WriteEndElement()
}

# What the text names, and what works on the same noun.
function Get-RelatedName($Command, $About) {
    $text = $About.InnerText
    $all | Where-Object { $_.Name -ne $Command.Name -and ($_.Noun -eq $Command.Noun -or
        $text -match "\b$($_.Name)\b") } |
        ForEach-Object Name
}

function Format-Maml([string] $Name) {
    $text = [System.IO.MemoryStream]::new()
    $settings = [System.Xml.XmlWriterSettings]@{
        Indent       = $true
        NewLineChars = "`n"
        Encoding     = [System.Text.UTF8Encoding]::new($false)
    }
    $writer = [System.Xml.XmlWriter]::Create($text, $settings)
    $writer.WriteStartDocument()
    $writer.WriteComment(' Made by tools/build-help.ps1 from the doc comments of the cmdlets. Do not edit. ')
    $writer.WriteStartElement('helpItems', 'http://msh')
    $writer.WriteAttributeString('schema', 'maml')
    foreach ($command in $all | Where-Object ModuleName -eq $Name) { Write-Cmdlet $writer $command $members }
    $writer.WriteEndElement()
    $writer.Dispose()
    [System.Text.Encoding]::UTF8.GetString($text.ToArray()) + "`n"
}

# ---- Pages ---------------------------------------------------------------------------------------------------------

# Code spans for what a reader types; angle brackets and stars are Markdown's own.
function Format-Markdown([string] $Text) {
    $escaped = $Text -replace '<', '&lt;' -replace '\*', '\*' -replace '_', '\_'
    (Split-Line $escaped 118 | ForEach-Object TrimEnd) -join "`n"
}

function Format-Page($Command) {
    $about = $members["T:$($Command.ImplementingType.FullName)"]
    $common = [System.Management.Automation.Cmdlet]::CommonParameters
    "# $($Command.Name)"
    ''
    Format-Markdown (Get-Text $about.SelectSingleNode('summary'))
    ''
    Format-Markdown (Get-Text $about.SelectSingleNode('remarks'))
    ''
    '## Syntax'
    ''
    '```text'
    foreach ($set in $Command.ParameterSets) {
        $words = foreach ($parameter in $set.Parameters |
            Where-Object { $_.Name -notin $common -and -not (Test-Hidden $_) } |
                Sort-Object { $_.Position -lt 0 }, Position, { -not $_.IsMandatory }, Name) {
            $word = "-$($parameter.Name)"
            if ($parameter.Position -ge 0) { $word = "[$word]" }
            if ($parameter.ParameterType -ne [switch]) { $word += " <$($parameter.ParameterType.Name)>" }
            if ($parameter.IsMandatory) { $word } else { "[$word]" }
        }
        # A blank belongs to its word, so a line breaks between parameters alone.
        $line = (@($Command.Name) + @($words |
            ForEach-Object { $_ -replace ' ', "`0" }) + '[<CommonParameters>]') -join ' '
        @(Split-Line $line 114 | ForEach-Object { $_.TrimEnd() -replace "`0", ' ' }) -join "`n    "
    }
    '```'
    ''
    '## Examples'
    ''
    foreach ($example in $about.SelectNodes('example')) {
        Format-Markdown (Get-Text $example.SelectSingleNode('para'))
        ''
        '```powershell'
        # A line that is too long goes on after a pipe or with a backtick, as it would be typed.
        $code = Get-Text $example.SelectSingleNode('code')
        $lines = @(Split-Line $code 112 | ForEach-Object TrimEnd)
        for ($i = 0; $i -lt $lines.Count; $i++) {
            $goesOn = $i -lt $lines.Count - 1
            $(if ($i) { '    ' }) + $lines[$i] + $(if ($goesOn -and $lines[$i] -notmatch '[|{,]$') { ' `' })
        }
        '```'
        ''
    }
    '## Parameters'
    ''
    foreach ($parameter in $Command.Parameters.Values | Where-Object Name -notin $common |
        Sort-Object { $_.Name -ne 'Identity' }, Name) {
        $documented = Get-DocumentedProperty $Command $parameter $members
        $set = @($parameter.ParameterSets.GetEnumerator() |
            Sort-Object { $_.Key -ne $Command.DefaultParameterSet })[0].Value
        $facts = @(
            "``$($parameter.ParameterType.Name)``"
            if ($set.IsMandatory) { 'required' }
            if ($set.Position -ge 0) { "position $($set.Position)" }
            if ($set.ValueFromPipeline) { 'from the pipeline' }
            if ($parameter.Aliases) { "alias ``$($parameter.Aliases -join '`, `')``" }
            if ($documented -and (Get-Text $documented.SelectSingleNode('value'))) {
                "default ``$(Get-Text $documented.SelectSingleNode('value'))``"
            }
        )
        "### -$($parameter.Name)"
        ''
        $facts -join ', '
        ''
        Format-Markdown (Get-ParameterText $parameter $documented)
        ''
    }
    if ($Command.OutputType) {
        '## Output'
        ''
        ($Command.OutputType | ForEach-Object { "``$($_.Name)``" }) -join ', '
        ''
    }
    '## See also'
    ''
    $links = @(Get-RelatedName $Command $about | ForEach-Object { "[$_]($_.md)" })
    if ($Command.HelpUri) { $links += "[Microsoft's page]($($Command.HelpUri))" }
    $links += '[all cmdlets](README.md)'
    (Split-Line ($links -join ' ') 118 | ForEach-Object TrimEnd) -join "`n"
}

function Format-PageList {
    '# Cmdlets'
    ''
    'Made from the same source as `Get-Help`, which shows these pages in PowerShell, in English and in French.'
    ''
    foreach ($name in $names) {
        "## $name"
        ''
        foreach ($command in $all | Where-Object ModuleName -eq $name) {
            $summary = Get-Text $members["T:$($command.ImplementingType.FullName)"].SelectSingleNode('summary')
            # The first sentence does.
            $line = "- [$($command.Name)]($($command.Name).md): $($summary -replace '(?<=[.:]) .*' -replace ':$', '.')"
            (Split-Line $line 118 | ForEach-Object TrimEnd) -join "`n  "
        }
        ''
    }
}

# ---- All of it -----------------------------------------------------------------------------------------------------

$modules = (Resolve-Path -LiteralPath "$Target/module").Path
$env:PSModulePath = $modules + [System.IO.Path]::PathSeparator + $env:PSModulePath
$names = 'UMMailboxPin', 'UMMailboxPin.ExchangeCompat'
# The second module's cmdlets inherit parameters from the first one's classes.
$members = @{}
foreach ($name in $names) { $members += Read-Documentation "$Target/dotnet/obj/$name/$name.xml" }

foreach ($name in $names) { Import-Module "$modules/$name/$name.psd1" }
$all = Get-Command -Module $names -CommandType Cmdlet | Sort-Object -Property Name
$root = "$PSScriptRoot/.."
$french = 'powershell/help/fr.po'
$used = [ordered]@{}
$files = [ordered]@{}

$catalogue = $null
foreach ($name in $names) { $files["powershell/$name/en-US/$name.dll-Help.xml"] = Format-Maml $name }
foreach ($command in $all) { $files["docs/cmdlets/$($command.Name).md"] = ((Format-Page $command) -join "`n") + "`n" }
$files['docs/cmdlets/README.md'] = ((Format-PageList) -join "`n").TrimEnd() + "`n"

$catalogue = Read-Catalogue "$root/$french"
$texts = @($used.Keys)
foreach ($name in $names) { $files["powershell/$name/fr/$name.dll-Help.xml"] = Format-Maml $name }
$problems = @(
    foreach ($text in $texts | Where-Object { -not $catalogue[$_] }) { "has no French in ${french}: $text" }
    foreach ($text in $catalogue.Keys |
        Where-Object { $_ -notin $texts }) { "is no text any more, but stands in ${french}: $text" }
)
$files[$french] = @(
    'msgid ""', 'msgstr ""', '"Content-Type: text/plain; charset=UTF-8\n"', '"Language: fr\n"'
    foreach ($text in $texts) {
        ''
        Format-CatalogueText 'msgid' $text
        Format-CatalogueText 'msgstr' $catalogue[$text]
    }
    ''
) -join "`n"

$stale = @(
    foreach ($file in $files.Keys) {
        $old = if (Test-Path -LiteralPath "$root/$file") { [System.IO.File]::ReadAllText("$root/$file") } else { '' }
        if ($old -ceq $files[$file]) { continue }
        $file
        if ($Check) { continue }
        $null = New-Item -ItemType Directory -Force -Path (Split-Path "$root/$file")
        [System.IO.File]::WriteAllText("$root/$file", $files[$file], [System.Text.UTF8Encoding]::new($false))
    }
    # Pages of cmdlets that there are no more.
    foreach ($page in Get-ChildItem -Path "$root/docs/cmdlets" -Filter *.md -ErrorAction Ignore) {
        if ($files.Contains("docs/cmdlets/$($page.Name)")) { continue }
        "docs/cmdlets/$($page.Name)"
        if (-not $Check) { Remove-Item -LiteralPath $page.FullName }
    }
)
if ($Check -and ($stale -or $problems)) {
    throw (@($stale | ForEach-Object { "Out of date, run tools/build-help.ps1: $_" }) + $problems -join "`n")
}
if ($stale) { Write-Host "written: $($stale -join ', ')" }
foreach ($problem in $problems) { Write-Warning $problem }
