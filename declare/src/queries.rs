//! The attribute [`queries`](macro@crate::queries).

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, ImplItem, ImplItemFn, ItemImpl, LitStr, ReturnType, TraitItemFn, Type};

use crate::object::{camel_case, inside, page_arguments};

pub fn expand(mut declaration: ItemImpl) -> syn::Result<TokenStream> {
    let (mut fields, mut roots) = (Vec::new(), Vec::new());
    for item in std::mem::take(&mut declaration.items) {
        match item {
            ImplItem::Verbatim(tokens) => {
                let (field, root) = declared(&syn::parse2(tokens)?)?;
                fields.push(field);
                roots.push(root);
            }
            ImplItem::Fn(mut function) => {
                roots.extend(planned(&mut function)?);
                fields.push(quote!(#function));
            }
            other => return Err(syn::Error::new_spanned(other, "expected a function")),
        }
    }
    let ItemImpl { attrs, self_ty, .. } = declaration;
    Ok(quote! {
        #(#attrs)*
        #[async_graphql::Object]
        impl #self_ty {
            #(#fields)*
        }

        impl crate::read::start::Roots for #self_ty {
            fn root(name: &str) -> Option<crate::read::start::Root> {
                Some(match name {
                    #(#roots,)*
                    _ => return None,
                })
            }
        }
    })
}

/// A query without a body, and where the read path starts it.
fn declared(function: &TraitItemFn) -> syn::Result<(TokenStream, TokenStream)> {
    let TraitItemFn { attrs, sig, .. } = function;
    let (ident, name) = (&sig.ident, camel_case(&sig.ident));
    let shown = shown(&sig.output)?;
    let kept = attrs.iter().filter(|attribute| !is_own(attribute));
    let own = attrs.iter().find(|attribute| is_own(attribute));
    let Some(own) = own else {
        return Err(syn::Error::new(ident.span(), "expected `#[by_id(\"…\")]`, `#[list]`, or a body"));
    };
    let (arguments, value, root) = if own.path().is_ident("by_id") {
        let description: LitStr = own.parse_args()?;
        (
            quote!(, #[graphql(desc = #description)] id: async_graphql::ID),
            quote!(crate::read::resolve::by_id::<#shown>(ctx, &id).await),
            quote!(crate::read::start::Root::by_id::<#shown>()),
        )
    } else {
        let args = quote!(&crate::graphql::list::PageArgs { first, after, last, before });
        (
            page_arguments(shown),
            quote!(crate::graphql::connection::page(ctx, #name, filter, order_by, #args).await.map(Some)),
            quote!(crate::read::start::Root::list::<#shown>(|request, arguments| {
                request.scope.caller()?;
                crate::read::relation::Page::of::<<#shown as crate::graphql::connection::Paged>::Noun>(
                    request, #name, None, arguments,
                )
            })),
        )
    };
    let field = quote! {
        #(#kept)*
        async fn #ident(&self, ctx: &async_graphql::Context<'_> #arguments) -> crate::error::Result<Option<#shown>> {
            #value
        }
    };
    Ok((field, quote!(#name => #root)))
}

/// What is inside the option that a query without a body gives.
fn shown(output: &ReturnType) -> syn::Result<&Type> {
    if let ReturnType::Type(_, ty) = output
        && let Some(shown) = inside(ty, "Option")
    {
        return Ok(shown);
    }
    Err(syn::Error::new_spanned(output, "expected `-> Option<…>`"))
}

fn is_own(attribute: &Attribute) -> bool {
    ["by_id", "list"].into_iter().any(|own| attribute.path().is_ident(own))
}

/// Where the read path starts a query that has a body, if it says so. The attribute that says it is taken away.
fn planned(function: &mut ImplItemFn) -> syn::Result<Option<TokenStream>> {
    let name = camel_case(&function.sig.ident);
    let Some(place) = function.attrs.iter().position(|attribute| attribute.path().is_ident("planned")) else {
        return Ok(None);
    };
    let root: Expr = function.attrs.remove(place).parse_args()?;
    Ok(Some(quote!(#name => #root)))
}
