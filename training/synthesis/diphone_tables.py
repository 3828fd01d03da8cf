"""How the sounds of espeak-ng are pronounced with the diphones of each recorded speaker.

A sound is a phone label of espeak-ng after merging near-equal ones (``SOUNDS``). Each table maps
it to one or more phones of the speaker's inventory: the nearest by ear, kept distinct where the
inventory allows. What it lacks is an accent. ``similar`` names the stand-ins for a phone whose
diphone with its neighbour was never recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

SOUNDS = {
    "i:": "i: iy",
    "i": "i I#i",
    "I": "I I2 I#",
    "i@": "i@ i@3",
    "eI": "eI EI",
    "e:": "e:",
    "e": "e",
    "E": "E E: E2",
    "e@": "e@",
    "a": "a",
    "a:": "A: A aa",
    "A@": "A@",
    "V": "V",
    "@": "@ @2 @5 @- a#",
    "er": "3",
    "er:": "3: VR IR",
    "0": "0 O2",
    "O": "O",
    "O:": "O:",
    "O@": "O@ o@",
    "oI": "OI oI OY",
    "o": "o",
    "o:": "o:",
    "oU": "oU",
    "eU": "eU",
    "U": "U",
    "U@": "U@ UR",
    "u": "u",
    "u:": "u:",
    "aI": "aI aI2",
    "aI@": "aI@ aI3",
    "aU": "aU",
    "y": "y Y",
    "y:": "y:",
    "W": "W",
    "W:": "Y:",
    "an": "A~",
    "on": "O~",
    "@l": "@L",
    "@n": "n-",
    "p": "p",
    "b": "b",
    "B": "B",
    "t": "t t2 t[",
    "flap": "t#",
    "d": "d",
    "D": "D",
    "k": "k",
    "g": "g Q",
    "tS": "tS",
    "dZ": "dZ",
    "ts": "ts",
    "pf": "pF",
    "f": "f",
    "v": "v",
    "T": "T",
    "s": "s",
    "z": "z",
    "S": "S",
    "Z": "Z",
    "C": "C",
    "x": "x",
    "h": "h",
    "m": "m",
    "n": "n",
    "N": "N",
    "n^": "n^",
    "l": "l",
    "l^": "l^",
    "r": "r r- R",
    "tap": "** *",
    "rr": "R2",
    "w": "w w#",
    "j": "j ; J^",
}
OWN_SOUNDS = {
    "English": {"a": "ae"},
    "Spanish": {"D": "d", "r": "rr"},
    "German": {"@": "@e", "3": "V"},
}
"""Labels that stand for another sound in one language than in the others."""


@dataclass(frozen=True)
class PhoneTable:
    """Pronunciation of the sounds with one inventory, and the stand-ins for its phones."""

    silence: str
    sounds: str
    similar: str


ITALIAN = PhoneTable(
    "#",
    """
    i:=i1 i=i I=e i@=i1,r eI=e1,i e:=e1 e=e E=E1 e@=E1,r ae=E,a a=a a:=a1 A@=a1,r V=a @=a @e=e
    er=e,r er:=e1,r 0=O O=O O:=o1 O@=O1,r oI=O,i o=o o:=o1 oU=o,u eU=e,u U=u U@=u1,r u=u u:=u1
    aI=a,i aI@=a,i,a aU=a,u y=i,u y:=i,u1 W=E,o W:=e,o an=a,n on=o,n
    @l=o,l @n=e,n p=p b=b B=b t=t flap=d d=d D=d k=k g=g tS=tS dZ=dZ ts=ts pf=p,f f=f v=v T=f
    s=s z=z S=S Z=dZ C=S x=k h=# m=m n=n N=ng n^=J l=l l^=L r=r tap=r rr=r,r w=w j=j
    """,
    """
    E1=E,e1,e E=e,E1 O1=O,o1,o O=o,O1 a1=a e1=e o1=o i1=i u1=u e=e1,E o=o1,O a=a1 i=i1,j u=u1,w
    j=i,i1 w=u,v S=s Z=dZ L=l J=n ng=n nf=n z=s dz=z ts=s tS=S dZ=z m=nf,n
    """,
)
CZECH = PhoneTable(
    "#",
    """
    i:=i: i=i: I=i i@=i:,r eI=e,j e:=e: e=e E=e e@=e:,r ae=e,a a=a a:=a: A@=a:,r V=a @=e @e=e
    er=e,r er:=e:,r 0=o O=o O:=o: O@=o:,r oI=o,j o=o o:=o: oU=o,u eU=e,u U=u U@=u:,r u=u u:=u:
    aI=a,j aI@=a,j,e aU=a,u y=j,u y:=j,u: W=e W:=e: an=a,n on=o,n
    @l=o,l @n=e,n p=p b=b B=b t=t flap=d d=d D=d k=k g=g tS=c~ dZ=dz~ ts=c pf=p,f f=f v=v T=f
    s=s z=z S=s~ Z=z~ C=ch x=ch h=h m=m n=n N=n* n^=n~ l=l l^=l,j r=r tap=r rr=r w=u j=j
    """,
    """
    b=p d=t d~=t~ g=k v=f z=s z~=s~ h=ch dz=c,s dz~=c~,s~ p=b t=d t~=d~ k=g f=v s=z s~=z~
    ch=h,k n=n*,m c=dz,s c~=dz~,s~ n*=n i=j,i: i:=j,i u=v,u: u:=u,v j=i,i: a:=a e:=e o:=o a=a:
    e=e: o=o:
    """,
)
FINNISH_LJ = PhoneTable(
    "#",
    """
    i:=i: i=i I=i i@=i:,r eI=e,i e:=e: e=e E=e e@=e:,r ae=@ a=a a:=a: A@=a:,r V=a @=7 @e=e
    er=7,r er:=7:,r 0=o O=o O:=o: O@=o:,r oI=o,i o=o o:=o: oU=o,u eU=e,u U=u U@=u:,r u=u u:=u:
    aI=a,i aI@=a,i,7 aU=a,u y=y y:=y: W=7 W:=7: an=a,n on=o,n
    @l=o,l @n=7,n p=p b=b B=b t=t flap=d d=d D=d k=k g=g tS=t,s dZ=d,s ts=t,s pf=p,f f=f v=v
    T=f s=s z=s S=s Z=s C=h x=h h=h m=m n=n N=N n^=n,j l=l l^=l,j r=r tap=r rr=r: w=u j=j
    """,
    """
    N=n b=p g=k d=t f=f:,v v=v:,f h=k j=i,i: i=j,i: i:=i a:=a e:=e,i o:=o u:=u y:=y 7:=7 @:=@
    r:=r n=N a=a: e=e: o=o: u=v,u: y=y: 7=7: @=@: k=g p=b t=d m=n l=r
    """,
)
FINNISH_MV = PhoneTable(
    "#",
    FINNISH_LJ.sounds + " tS=t,S dZ=d,S T=T S=S Z=S w=w rr=r C=S",
    FINNISH_LJ.similar + " S=s T=f w=u,v L=l",
)
HINDI = PhoneTable(
    "pau",
    """
    i:=iy i=iy I=ih i@=iy,r eI=ee e:=ee e=eh E=eh e@=eh,r ae=eh,aa a=a a:=aa A@=aa,r V=a @=a
    @e=eh er=a,r er:=a,r 0=oh O=oh O:=oo O@=oh,r oI=oh,ih o=oh o:=oo oU=oo eU=ee,uh U=uh
    U@=uw,r u=uh u:=uw aI=ay aI@=ay,a aU=aw y=iy,uh y:=iy,uw W=eh,oh W:=ee,oh an=a,n on=oo,n
    @l=a,l @n=a,n p=p b=b B=b t=T flap=D d=D D=dh k=k g=g tS=ch dZ=j ts=th,s pf=p,f f=f v=v
    T=th s=s z=s S=sh Z=sh C=sh x=h h=h m=m n=n N=n,g n^=n,y l=l l^=l,y r=r tap=r rr=r w=v j=y
    """,
    """
    N=n T=th D=dh b=p p=b f=p s=sh td=T th=T dh=D g=k v=uh a=aa
    """,
)
RADIO = PhoneTable(
    "pau",
    """
    i:=iy i=iy I=ih i@=ih,r eI=ey e:=ey e=eh E=eh e@=eh,r ae=ae a=aa a:=aa A@=aa,r V=ah @=ax
    @e=ax er=er er:=er 0=aa O=ao O:=ao O@=ao,r oI=oy o=ow o:=ow oU=ow eU=eh,uw U=uh U@=uh,r
    u=uw u:=uw aI=ay aI@=ay,ax aU=aw y=y,uh y:=y,uw W=eh W:=er an=aa,n on=ow,n
    @l=ax,l @n=ax,n p=p b=b B=v t=t flap=d d=d D=dh k=k g=g tS=ch dZ=jh ts=t,s pf=p,f f=f v=v
    T=th s=s z=z S=sh Z=zh C=sh x=hh h=hh m=m n=n N=ng n^=n,y l=l l^=l,y r=r tap=d rr=r w=w j=y
    """,
    """
    ng=n hh=k y=iy w=uw er=r
    """,
)
