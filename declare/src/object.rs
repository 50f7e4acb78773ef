//! The attribute [`object`](macro@crate::object).

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Expr, Field, Fields, GenericArgument, Ident, ItemStruct, LitStr, Path, PathArguments, Token, Type,
    parenthesized,
};

/// `noun = member`, or `part_of = member`.
pub struct Arguments {
    entity: Ident,
    is_part: bool,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key: Ident = input.parse()?;
        let is_part = match key.to_string().as_str() {
            "noun" => false,
            "part_of" => true,
            _ => return Err(syn::Error::new(key.span(), "expected `noun = …` or `part_of = …`")),
        };
        input.parse::<Token![=]>()?;
        Ok(Self { entity: input.parse()?, is_part })
    }
}

/// A function that takes a column: `organization::seen, TenantId`.
struct Relation {
    function: Path,
    column: Ident,
}

impl Parse for Relation {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let function = input.parse()?;
        input.parse::<Token![,]>()?;
        Ok(Self { function, column: input.parse()? })
    }
}

/// Members of a union: relations with `;` between them.
struct Members(Punctuated<Relation, Token![;]>);

impl Parse for Members {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self(Punctuated::parse_separated_nonempty(input)?))
    }
}

/// `function, from(A, B)`, or `function, needs = …`.
struct Computed {
    function: Path,
    needs: Needs,
}

enum Needs {
    Columns(Punctuated<Ident, Token![,]>),
    Expression(Box<Expr>),
}

impl Parse for Computed {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let function = input.parse()?;
        input.parse::<Token![,]>()?;
        let key: Ident = input.parse()?;
        let needs = match key.to_string().as_str() {
            "from" => {
                let columns;
                parenthesized!(columns in input);
                Needs::Columns(Punctuated::parse_terminated(&columns)?)
            }
            "needs" => {
                input.parse::<Token![=]>()?;
                Needs::Expression(input.parse()?)
            }
            _ => return Err(syn::Error::new(key.span(), "expected `from(…)` or `needs = …`")),
        };
        Ok(Self { function, needs })
    }
}

/// `function`, or `function, planned = …`.
struct Resolved {
    function: Path,
    planned: Option<Expr>,
}

impl Parse for Resolved {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let function = input.parse()?;
        if input.is_empty() {
            return Ok(Self { function, planned: None });
        }
        input.parse::<Token![,]>()?;
        let key: Ident = input.parse()?;
        if key != "planned" {
            return Err(syn::Error::new(key.span(), "expected `planned = …`"));
        }
        input.parse::<Token![=]>()?;
        Ok(Self { function, planned: Some(input.parse()?) })
    }
}

enum Kind {
    Column(Ident),
    One(Relation),
    OneOf(Members),
    Part(Ident),
    All(Relation),
    Pages(Relation),
    Computed(Computed),
    Resolved(Resolved),
}

impl Kind {
    fn of(field: &Field, ident: &Ident) -> syn::Result<Self> {
        let mut found = None;
        for attribute in &field.attrs {
            let Some(name) = attribute.path().get_ident() else { continue };
            let kind = match name.to_string().as_str() {
                "column" => Self::Column(attribute.parse_args()?),
                "one" => Self::One(attribute.parse_args()?),
                "one_of" => Self::OneOf(attribute.parse_args()?),
                "part" => Self::Part(attribute.parse_args()?),
                "all" => Self::All(attribute.parse_args()?),
                "pages" => Self::Pages(attribute.parse_args()?),
                "computed" => Self::Computed(attribute.parse_args()?),
                "resolved" => Self::Resolved(attribute.parse_args()?),
                "doc" | "graphql" => continue,
                _ => return Err(syn::Error::new(name.span(), "the documentation of `#[object]` lists what is known")),
            };
            if found.replace(kind).is_some() {
                return Err(syn::Error::new(name.span(), "a field shows one thing"));
            }
        }
        Ok(found.unwrap_or_else(|| Self::Column(format_ident!("{}", pascal_case(ident), span = ident.span()))))
    }
}

pub fn expand(arguments: &Arguments, declaration: ItemStruct) -> syn::Result<TokenStream> {
    let ItemStruct { attrs, vis, ident, fields, .. } = declaration;
    let Fields::Named(fields) = fields else {
        return Err(syn::Error::new_spanned(ident, "expected named fields"));
    };
    let Arguments { entity, is_part } = arguments;
    let (docs, name) = (docs(&attrs), ident.to_string());
    let (mut resolvers, mut arms) = (Vec::new(), Vec::new());
    for field in &fields.named {
        let (resolver, arm) = expand_field(entity, field)?;
        resolvers.push(resolver);
        arms.extend(arm);
    }
    let readable = (!is_part).then(|| {
        quote! {
            impl crate::read::shape::Readable for crate::entity::#entity::Entity {
                type Shown = #ident;
                const KEY: crate::entity::#entity::Column = crate::entity::#entity::Column::Id;
            }
        }
    });
    Ok(quote! {
        #(#docs)*
        #[derive(Clone, Debug)]
        #vis struct #ident(std::sync::Arc<crate::entity::#entity::Model>);

        impl From<std::sync::Arc<crate::entity::#entity::Model>> for #ident {
            fn from(row: std::sync::Arc<crate::entity::#entity::Model>) -> Self {
                Self(row)
            }
        }

        impl From<crate::entity::#entity::Model> for #ident {
            fn from(row: crate::entity::#entity::Model) -> Self {
                Self(std::sync::Arc::new(row))
            }
        }

        #(#docs)*
        #[async_graphql::Object]
        impl #ident {
            #(#resolvers)*
        }

        impl crate::read::shape::Shows for #ident {
            type Entity = crate::entity::#entity::Entity;
            const NAME: &'static str = #name;

            fn row(&self) -> &std::sync::Arc<crate::entity::#entity::Model> {
                &self.0
            }

            fn field(name: &str) -> Option<crate::read::shape::Field> {
                Some(match name {
                    #(#arms,)*
                    _ => return None,
                })
            }
        }

        #readable
    })
}

/// The resolver of a field, and how the read path reads it.
fn expand_field(entity: &Ident, field: &Field) -> syn::Result<(TokenStream, Option<TokenStream>)> {
    let Some(ident) = &field.ident else { return Err(syn::Error::new_spanned(field, "expected a name")) };
    let (docs, ty) = (docs(&field.attrs), &field.ty);
    // Errors point at the type; lints take the code for what it is, a macro's.
    let span = Span::call_site().located_at(ty.span());
    let graphql = field.attrs.iter().filter(|attribute| attribute.path().is_ident("graphql"));
    let name = name_given(&field.attrs)?.unwrap_or_else(|| camel_case(ident));
    let kind = Kind::of(field, ident)?;
    let column = |column: &Ident| quote!(crate::entity::#entity::Column::#column);
    let call = |Relation { function, column: of }: &Relation| {
        let of = column(of);
        quote!(#function(#of))
    };
    // What the resolver gives before it is known whether its type is an option, and how the read path reads it.
    let (value, planned) = match &kind {
        Kind::Column(of) => {
            let of = column(of);
            let value = quote_spanned!(span=> crate::read::resolve::column::<_, #ty>(&*self.0, #of));
            let planned = quote_spanned!(span=> crate::read::shape::column::<#ty>(#of));
            (value, Some(planned))
        }
        Kind::One(relation) => {
            let one = call(relation);
            let value = quote_spanned!(span=> crate::read::resolve::one(ctx, &*self.0, #one).await);
            (value, Some(quote!(#one.field())))
        }
        Kind::OneOf(Members(members)) => {
            let ones: Vec<_> = members.iter().map(call).collect();
            let value = quote_spanned! {span=>
                'member: {
                    #({
                        let one = #ones;
                        if crate::read::resolve::names(&*self.0, &one) {
                            let found = crate::read::resolve::one(ctx, &*self.0, one).await;
                            break 'member found.map(|found| found.map(Into::into));
                        }
                    })*
                    Ok(None)
                }
            };
            (value, Some(quote!(crate::read::shape::Field::OneOf(vec![#(#ones.joined()),*]))))
        }
        Kind::Part(of) => {
            let (of, part) = (column(of), inside(ty, "Option").unwrap_or(ty));
            let value = quote_spanned!(span=> crate::read::resolve::part::<#part>(&self.0, #of));
            (value, Some(quote_spanned!(span=> crate::read::shape::part::<#part>(#of))))
        }
        Kind::All(relation) => {
            let all = call(relation);
            let value = quote_spanned!(span=> crate::read::resolve::all(ctx, &*self.0, #all).await);
            (value, Some(quote!(#all.field())))
        }
        Kind::Pages(relation) => {
            let pages = call(relation);
            let value = quote_spanned! {span=>
                crate::read::resolve::page(
                    ctx, &*self.0, #pages, filter, order_by,
                    crate::graphql::list::PageArgs { first, after, last, before },
                ).await
            };
            (value, Some(quote!(#pages.field())))
        }
        Kind::Computed(Computed { function, needs }) => {
            let needs = match needs {
                Needs::Columns(columns) => {
                    let columns = columns.iter().map(column);
                    quote!(crate::read::facts::own(&[#(#columns),*]))
                }
                Needs::Expression(needs) => needs.to_token_stream(),
            };
            let value = quote_spanned!(span=> crate::read::resolve::computed(ctx, &*self.0, #needs, #function).await);
            let planned = quote_spanned! {span=>
                crate::read::shape::computed(#needs, |facts| Ok(crate::read::json::ToJson::to_json(#function(facts)?)))
            };
            (value, Some(planned))
        }
        Kind::Resolved(Resolved { function, planned }) => {
            let value = quote_spanned!(span=> #function(ctx, &self.0).await);
            (value, planned.as_ref().map(|planned| planned.to_token_stream()))
        }
    };
    let asks = !matches!(kind, Kind::Column(_) | Kind::Part(_));
    let context = asks.then(|| quote!(, ctx: &async_graphql::Context<'_>));
    let is_list = matches!(kind, Kind::Pages(_));
    let arguments = is_list.then(|| page_arguments(inside(ty, "Option").unwrap_or(ty)));
    // What can be null is null where there is an error.
    let (returned, value) = match inside(ty, "Option") {
        Some(inner) if is_list => (quote!(Option<crate::error::Result<#inner>>), quote!(Some(#value))),
        Some(inner) => (quote!(Option<crate::error::Result<#inner>>), quote!(#value.transpose())),
        None => (quote!(crate::error::Result<#ty>), value),
    };
    let resolver = quote! {
        #(#docs)*
        #(#graphql)*
        pub async fn #ident(&self #context #arguments) -> #returned {
            #value
        }
    };
    Ok((resolver, planned.map(|planned| quote!(#name => #planned))))
}

/// The arguments of a connection.
pub fn page_arguments(connection: &Type) -> TokenStream {
    quote! {
        , #[graphql(name = "where", desc = "Which ones to find; all if not given.")]
        filter: Option<<#connection as crate::graphql::connection::Paged>::Filter>,
        #[graphql(validator(max_items = 4), desc = "How to sort; newest first if not given.")]
        order_by: Option<Vec<<#connection as crate::graphql::connection::Paged>::Order>>,
        #[graphql(desc = "How many from the start, at most 100; 25 if neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>
    }
}

fn docs(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).collect()
}

/// What `#[graphql(name = "…")]` says.
pub fn name_given(attributes: &[Attribute]) -> syn::Result<Option<String>> {
    let mut name = None;
    graphql(attributes, |meta| {
        if meta.path.is_ident("name") {
            name = Some(meta.value()?.parse::<LitStr>()?.value());
        } else {
            ignore(&meta)?;
        }
        Ok(())
    })?;
    Ok(name)
}

/// Whether there is a `#[graphql(skip)]`.
pub fn is_skipped(attributes: &[Attribute]) -> syn::Result<bool> {
    let mut is_skipped = false;
    graphql(attributes, |meta| {
        is_skipped |= meta.path.is_ident("skip");
        ignore(&meta)
    })?;
    Ok(is_skipped)
}

fn graphql(
    attributes: &[Attribute],
    mut read: impl FnMut(syn::meta::ParseNestedMeta<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    let of_graphql = attributes.iter().filter(|attribute| attribute.path().is_ident("graphql"));
    of_graphql.into_iter().try_for_each(|attribute| attribute.parse_nested_meta(&mut read))
}

/// Passes over the value of a key that is somebody else's.
fn ignore(meta: &syn::meta::ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let inside;
        parenthesized!(inside in meta.input);
        inside.parse::<TokenStream>()?;
    }
    Ok(())
}

/// What is inside `Option<…>`.
pub fn inside<'a>(ty: &'a Type, wrapper: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == wrapper)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}

fn pascal_case(ident: &Ident) -> String {
    ident.to_string().split('_').map(capitalized).collect()
}

/// The name of a field at the API.
pub fn camel_case(ident: &Ident) -> String {
    let pascal = pascal_case(ident);
    pascal.chars().take(1).flat_map(char::to_lowercase).chain(pascal.chars().skip(1)).collect()
}

fn capitalized(word: &str) -> String {
    word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect()
}
