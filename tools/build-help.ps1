# Makes the cmdlet help (powershell/NAME/en-US/NAME.dll-Help.xml, MAML) from the doc comments in the C# source, so that a
# parameter's description stands in one place, beside the parameter. Run it after a build, when a comment has changed:
#
#   pwsh -File tools/build-help.ps1            writes the files
#   pwsh -File tools/build-help.ps1 -Check     writes nothing, fails if a file is out of date (a test does this)
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

function Write-Paragraph($Writer, [string] $Text) { $Writer.WriteElementString('para', $namespaces.maml, $Text) }

function Get-DocumentedProperty($Command, $Parameter, $Members) {
    $property = $Command.ImplementingType.GetProperty($Parameter.Name)
    if ($property) { $Members["P:$($property.DeclaringType.FullName).$($Parameter.Name)"] }
}

# A parameter that is there only to refuse its name is described, and stands in no syntax.
function Test-Hidden($Parameter) { @($Parameter.Attributes | Where-Object { $_ -is [Parameter] -and $_.DontShow }).Count -gt 0 }

function Write-Parameter($Writer, $Parameter, [string] $Description, $Set, [string] $Default) {
    $Writer.WriteStartElement('parameter', $namespaces.command)
    $Writer.WriteAttributeString('required', $Set.IsMandatory.ToString().ToLowerInvariant())
    $Writer.WriteAttributeString('variableLength', 'true')
    $Writer.WriteAttributeString('globbing', 'false')
    $pipeline = if ($Set.ValueFromPipeline -and $Set.ValueFromPipelineByPropertyName) { 'True (ByValue, ByPropertyName)' }
    elseif ($Set.ValueFromPipeline) { 'True (ByValue)' }
    else { 'False' }
    $Writer.WriteAttributeString('pipelineInput', $pipeline)
    $Writer.WriteAttributeString('position', $(if ($Set.Position -ge 0) { [string] $Set.Position } else { 'named' }))
    $Writer.WriteAttributeString('aliases', $(if ($Parameter.Aliases.Count) { $Parameter.Aliases -join ', ' } else { 'none' }))
    $Writer.WriteElementString('name', $namespaces.maml, $Parameter.Name)
    if ($Description) {
        $Writer.WriteStartElement('Description', $namespaces.maml)
        Write-Paragraph $Writer $Description
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
    $Writer.WriteElementString('defaultValue', $namespaces.dev, $(if ($Default) { $Default } elseif ($isSwitch) { 'False' } else { 'None' }))
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
    $parameters = @($Command.Parameters.Values | Where-Object Name -notin $common | Sort-Object { $_.Name -ne 'Identity' }, Name)
    $descriptions = @{}
    $defaults = @{}
    foreach ($parameter in $parameters) {
        $documented = Get-DocumentedProperty $Command $parameter $Members
        $descriptions[$parameter.Name] = if ($documented) { Get-Text $documented.SelectSingleNode('summary') } else { $standard[$parameter.Name] }
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
    Write-Paragraph $Writer (Get-Text $about.SelectSingleNode('summary'))
    $Writer.WriteEndElement()
    $Writer.WriteEndElement()

    $Writer.WriteStartElement('description', $namespaces.maml)
    Write-Paragraph $Writer (Get-Text $about.SelectSingleNode('remarks'))
    $Writer.WriteEndElement()

    $Writer.WriteStartElement('syntax', $namespaces.command)
    foreach ($set in $Command.ParameterSets) {
        $Writer.WriteStartElement('syntaxItem', $namespaces.command)
        $Writer.WriteElementString('name', $namespaces.maml, $Command.Name)
        foreach ($parameter in $set.Parameters | Where-Object { $_.Name -notin $common -and -not (Test-Hidden $_) } | Sort-Object { $_.Position -lt 0 }, Position, { -not $_.IsMandatory }, Name) {
            Write-Parameter $Writer $parameter $null $parameter $defaults[$parameter.Name]
        }
        $Writer.WriteEndElement()
    }
    $Writer.WriteEndElement()

    $Writer.WriteStartElement('parameters', $namespaces.command)
    foreach ($parameter in $parameters) {
        $sets = @($parameter.ParameterSets.GetEnumerator() | Sort-Object { $_.Key -ne $Command.DefaultParameterSet } | ForEach-Object Value)
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
        $Writer.WriteElementString('title', $namespaces.maml, "Example $number")
        $Writer.WriteElementString('code', $namespaces.dev, (Get-Text $example.SelectSingleNode('code')))
        $Writer.WriteStartElement('remarks', $namespaces.dev)
        Write-Paragraph $Writer (Get-Text $example.SelectSingleNode('para'))
        $Writer.WriteEndElement()
        $Writer.WriteEndElement()
    }
    if ($number -eq 0) { throw "$($Command.Name) has no example." }
    $Writer.WriteEndElement()

    # Microsoft's page first, which Get-Help -Online opens; then what the text names, and what works on the same noun.
    $Writer.WriteStartElement('relatedLinks', $namespaces.maml)
    if ($Command.HelpUri) { Write-Link $Writer 'Online Version' $Command.HelpUri }
    $text = $about.InnerText
    $all | Where-Object { $_.Name -ne $Command.Name -and ($_.Noun -eq $Command.Noun -or $text -match "\b$($_.Name)\b") } | ForEach-Object { Write-Link $Writer $_.Name '' }
    Write-Link $Writer 'about_UMMailboxPin' ''
    $Writer.WriteEndElement()
    $Writer.WriteEndElement()
}

$modules = (Resolve-Path -LiteralPath "$Target/module").Path
$env:PSModulePath = $modules + [System.IO.Path]::PathSeparator + $env:PSModulePath
$names = 'UMMailboxPin', 'UMMailboxPin.ExchangeCompat'
# The second module's cmdlets inherit parameters from the first one's classes.
$members = @{}
foreach ($name in $names) { $members += Read-Documentation "$Target/dotnet/obj/$name/$name.xml" }

foreach ($name in $names) { Import-Module "$modules/$name/$name.psd1" }
$all = Get-Command -Module $names -CommandType Cmdlet | Sort-Object -Property Name
$stale = foreach ($name in $names) {
    $text = [System.IO.MemoryStream]::new()
    $settings = [System.Xml.XmlWriterSettings]@{ Indent = $true; NewLineChars = "`n"; Encoding = [System.Text.UTF8Encoding]::new($false) }
    $writer = [System.Xml.XmlWriter]::Create($text, $settings)
    $writer.WriteStartDocument()
    $writer.WriteComment(' Made by tools/build-help.ps1 from the doc comments of the cmdlets. Do not edit. ')
    $writer.WriteStartElement('helpItems', 'http://msh')
    $writer.WriteAttributeString('schema', 'maml')
    foreach ($command in $all | Where-Object ModuleName -eq $name) { Write-Cmdlet $writer $command $members }
    $writer.WriteEndElement()
    $writer.Dispose()
    $new = [System.Text.Encoding]::UTF8.GetString($text.ToArray()) + "`n"

    $file = "$PSScriptRoot/../powershell/$name/en-US/$name.dll-Help.xml"
    $old = if (Test-Path -LiteralPath $file) { [System.IO.File]::ReadAllText($file) } else { '' }
    if ($old -cne $new) {
        "powershell/$name/en-US/$name.dll-Help.xml"
        if (-not $Check) {
            $null = New-Item -ItemType Directory -Force -Path (Split-Path $file)
            [System.IO.File]::WriteAllText($file, $new, [System.Text.UTF8Encoding]::new($false))
        }
    }
}
if (-not $stale) { return }
if ($Check) { throw "Out of date, run tools/build-help.ps1: $($stale -join ', ')" }
Write-Host "written: $($stale -join ', ')"
