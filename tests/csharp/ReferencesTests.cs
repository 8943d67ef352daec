using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Xunit;

namespace UMMailboxPin.Tests;

/// <summary>
/// Windows PowerShell 5.1 runs on .NET Framework, of which 4.7.2 is the first to have .NET Standard 2.0 whole
/// (Microsoft's page ".NET Standard"). What an assembly refers to beyond that fails there on the first call, and
/// nowhere else.
/// </summary>
public sealed class ReferencesTests : IDisposable
{
    private readonly Dictionary<string, Surface> there = [];

    [Theory]
    [InlineData(typeof(UmException))]
    [InlineData(typeof(ExchangeCompat.GetMailboxCommand))]
    public void All_that_is_referred_to_is_there_on_Windows_PowerShell(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        using var file = new PEReader(File.OpenRead(type.Assembly.Location));
        MetadataReader assembly = file.GetMetadataReader();
        foreach (AssemblyReferenceHandle handle in assembly.AssemblyReferences)
        {
            AssemblyReference reference = assembly.GetAssemblyReference(handle);
            string name = assembly.GetString(reference.Name);
            Assert.True(
                name == "UMMailboxPin" || reference.Version <= There(name).Version, $"{name} {reference.Version}");
        }

        Assert.True(assembly.TypeReferences.Count > 20);
        var missing = assembly.TypeReferences.Select(handle => Missing(assembly, handle))
            .Concat(assembly.MemberReferences.Select(handle => Missing(assembly, handle)))
            .OfType<string>()
            .ToList();
        Assert.Empty(missing);
    }

    [Fact]
    public void What_is_not_there_is_found()
    {
        // This very test is written for a newer .NET.
        using var file = new PEReader(File.OpenRead(typeof(ReferencesTests).Assembly.Location));
        MetadataReader assembly = file.GetMetadataReader();
        Surface standard = There("netstandard");
        IEnumerable<string> names = assembly.TypeReferences.Select(handle => FullName(assembly, handle));
        Assert.Contains(names, name => !standard.Types.ContainsKey(name));
        Assert.Contains("Contains/1", standard.Types["System.String"]);
        Assert.DoesNotContain("Contains/2", standard.Types["System.String"]);
    }

    public void Dispose()
    {
        foreach (Surface surface in there.Values)
        {
            surface.Dispose();
        }
    }

    private string? Missing(MetadataReader assembly, TypeReferenceHandle handle)
    {
        string name = FullName(assembly, handle);
        return Owner(assembly, handle) is { } owner && !There(owner).Types.ContainsKey(name)
            ? $"{owner}: {name}"
            : null;
    }

    private string? Missing(MetadataReader assembly, MemberReferenceHandle handle)
    {
        MemberReference member = assembly.GetMemberReference(handle);
        EntityHandle parent = member.Parent;
        if (parent.Kind == HandleKind.TypeSpecification)
        {
            TypeSpecification constructed = assembly.GetTypeSpecification((TypeSpecificationHandle)parent);
            parent = constructed.DecodeSignature(new Generics(), null);
        }

        if (parent.Kind != HandleKind.TypeReference || Owner(assembly, (TypeReferenceHandle)parent) is not { } owner)
        {
            return null;
        }

        string type = FullName(assembly, (TypeReferenceHandle)parent);
        string wanted = assembly.GetString(member.Name);
        if (member.GetKind() == MemberReferenceKind.Method)
        {
            wanted += "/" + Parameters(assembly, member.Signature);
        }

        return There(owner).Has(type, wanted) ? null : $"{owner}: {type}.{wanted}";
    }

    private Surface There(string assembly) => there.TryGetValue(assembly, out Surface? known)
        ? known
        : there[assembly] = new Surface(assembly);

    private static string? Owner(MetadataReader assembly, TypeReferenceHandle handle)
    {
        EntityHandle scope = assembly.GetTypeReference(handle).ResolutionScope;
        if (scope.Kind == HandleKind.TypeReference)
        {
            return Owner(assembly, (TypeReferenceHandle)scope);
        }

        if (scope.Kind != HandleKind.AssemblyReference)
        {
            return null;
        }

        string name = assembly.GetString(assembly.GetAssemblyReference((AssemblyReferenceHandle)scope).Name);
        return name == "UMMailboxPin" ? null : name;
    }

    private static string FullName(MetadataReader assembly, TypeReferenceHandle handle)
    {
        TypeReference type = assembly.GetTypeReference(handle);
        string name = assembly.GetString(type.Name);
        return type.ResolutionScope.Kind == HandleKind.TypeReference
            ? FullName(assembly, (TypeReferenceHandle)type.ResolutionScope) + "+" + name
            : Join(assembly.GetString(type.Namespace), name);
    }

    private static string Join(string space, string name) => space.Length == 0 ? name : space + "." + name;

    private static int Parameters(MetadataReader assembly, BlobHandle signature)
    {
        BlobReader reader = assembly.GetBlobReader(signature);
        if (reader.ReadSignatureHeader().IsGeneric)
        {
            _ = reader.ReadCompressedInteger();
        }

        return reader.ReadCompressedInteger();
    }

    /// <summary>A reference assembly's types with their members: fields by name, methods as name/parameters.</summary>
    private sealed class Surface : IDisposable
    {
        private readonly PEReader file;
        private readonly Dictionary<string, string?> bases = [];

        internal Surface(string name)
        {
            string? folder = typeof(ReferencesTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
                .SingleOrDefault(attribute => attribute.Key == name)?.Value;
            Assert.True(folder is not null, $"{name} is no assembly that Windows PowerShell brings");
            file = new PEReader(File.OpenRead(Path.Combine(folder, name + ".dll")));
            MetadataReader assembly = file.GetMetadataReader();
            Version = assembly.GetAssemblyDefinition().Version;
            foreach (TypeDefinitionHandle handle in assembly.TypeDefinitions)
            {
                TypeDefinition type = assembly.GetTypeDefinition(handle);
                string full = FullName(assembly, handle);
                bases[full] = type.BaseType.Kind switch
                {
                    HandleKind.TypeDefinition when !type.BaseType.IsNil =>
                        FullName(assembly, (TypeDefinitionHandle)type.BaseType),
                    HandleKind.TypeReference => ReferencesTests.FullName(assembly, (TypeReferenceHandle)type.BaseType),
                    _ => null,
                };
                Types[full] =
                [
                    .. type.GetFields().Select(field => assembly.GetString(assembly.GetFieldDefinition(field).Name)),
                    .. type.GetMethods().Select(assembly.GetMethodDefinition).Select(method =>
                        $"{assembly.GetString(method.Name)}/{Parameters(assembly, method.Signature)}"),
                ];
            }
        }

        internal Version Version { get; }

        internal Dictionary<string, HashSet<string>> Types { get; } = [];

        internal bool Has(string type, string member)
        {
            return Types.TryGetValue(type, out HashSet<string>? members)
                && (members.Contains(member) || (bases[type] is { } parent && Has(parent, member)));
        }

        public void Dispose() => file.Dispose();

        private static string FullName(MetadataReader assembly, TypeDefinitionHandle handle)
        {
            TypeDefinition type = assembly.GetTypeDefinition(handle);
            string name = assembly.GetString(type.Name);
            return type.IsNested
                ? FullName(assembly, type.GetDeclaringType()) + "+" + name
                : Join(assembly.GetString(type.Namespace), name);
        }
    }

    /// <summary>The type that a constructed generic type is made of.</summary>
    private sealed class Generics : ISignatureTypeProvider<EntityHandle, object?>
    {
        public EntityHandle GetGenericInstantiation(
            EntityHandle genericType, ImmutableArray<EntityHandle> typeArguments) => genericType;

        public EntityHandle GetTypeFromReference(
            MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => handle;

        public EntityHandle GetTypeFromDefinition(
            MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => handle;

        public EntityHandle GetArrayType(EntityHandle elementType, ArrayShape shape) => default;

        public EntityHandle GetByReferenceType(EntityHandle elementType) => default;

        public EntityHandle GetFunctionPointerType(MethodSignature<EntityHandle> signature) => default;

        public EntityHandle GetGenericMethodParameter(object? genericContext, int index) => default;

        public EntityHandle GetGenericTypeParameter(object? genericContext, int index) => default;

        public EntityHandle GetModifiedType(
            EntityHandle modifier, EntityHandle unmodifiedType, bool isRequired) => unmodifiedType;

        public EntityHandle GetPinnedType(EntityHandle elementType) => elementType;

        public EntityHandle GetPointerType(EntityHandle elementType) => default;

        public EntityHandle GetPrimitiveType(PrimitiveTypeCode typeCode) => default;

        public EntityHandle GetSZArrayType(EntityHandle elementType) => default;

        public EntityHandle GetTypeFromSpecification(
            MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) => default;
    }
}
